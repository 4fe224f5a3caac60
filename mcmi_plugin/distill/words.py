"""The words in which a method's config names what a network offers.

A method is written once for all pairs: ``student.stages.0`` is the output of the
student's first stage, whatever its module is called. ``mcmi_plugin.models.taps``
tells where that is.

==================== =========================================================
recorded in a step
logits               ``[B, classes]``
pooled               ``[B, D]``, what the classifier reads
stages.I             ``[B, C, H, W]``, the output of stage I, counted from 0
preact.I             the same before the activation
last_stage           the last of ``stages``
levels.I             ReviewKD's: the stages, then ``pooled``
preact_levels.I      the stages' pre-activations, then ``pooled``
auxiliary            list of ``[4B, 4 classes]``, HSAKD's
labels               ``[B]`` class ids (one batch: the student's)
data_samples         the batch's list of ``DataSample`` (the student's)
known beforehand
channels.I           of ``stages.I``
pooled_channels      D
level_channels       list: ``channels``, then ``pooled_channels``
==================== =========================================================
"""

from ..errors import UserError
from ..models.taps import IMAGENET_TAPS, TAPS

# ModuleInputs records positional arguments, hence the index.
_BATCH = dict(
    labels=dict(type='ModuleInputs', source='head.loss_module', data_idx=1),
    data_samples=dict(type='ModuleInputs', source='', data_idx=1),
)


def taps_of(network: str) -> dict:
    """The taps of a network by the name of its config file.

    Raises:
        UserError: there are none.
    """
    taps = TAPS | IMAGENET_TAPS
    if network not in taps:
        raise UserError(
            f'pair: mcmi_plugin/models/taps.py does not say where {network} has its '
            f'features; add an entry of that name (there are {", ".join(taps)})'
        )
    return taps[network]


def recorded_words(network: str) -> dict[str, dict]:
    """Word -> MMRazor's recorder, and with it the indices of the record."""
    taps = taps_of(network)
    pooled = dict(_outputs(taps['pooled']), data_idx=0)
    stages = [_outputs(tap) for tap in taps['stages']]
    preact = [_outputs(tap) for tap in taps['preact']]
    return dict(
        _BATCH,
        logits=_outputs(taps['logits']),
        pooled=pooled,
        last_stage=stages[-1],
        auxiliary=_outputs('auxiliary'),
        **_numbered('stages', stages),
        **_numbered('preact', preact),
        **_numbered('levels', [*stages, pooled]),
        **_numbered('preact_levels', [*preact, pooled]),
    )


def known_words(network: str) -> dict[str, int | list[int]]:
    """Word -> number of channels."""
    taps = taps_of(network)
    return dict(
        pooled_channels=taps['pooled_channels'],
        level_channels=[*taps['channels'], taps['pooled_channels']],
        **_numbered('channels', taps['channels']),
    )


def _outputs(tap: str | dict) -> dict:
    return tap if isinstance(tap, dict) else dict(type='ModuleOutputs', source=tap)


def _numbered(word: str, values: list) -> dict:
    return {f'{word}.{i}': value for i, value in enumerate(values)}
