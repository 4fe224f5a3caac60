"""The words in which a method's config names what a network offers.

A method is written once for all pairs: ``student.stages.0`` is the output of the
student's first stage, whatever its module is called. :mod:`.network_taps`
tells where that is.

==================== =========================================================
recorded in a step
logits               ``[B, classes]``
pooled               ``[B, D]``, what the classifier reads
stages.I             ``[B, C, H, W]``, the output of stage I, counted from 0
preact.I             the same before the activation
last_stage           the last of ``stages``; of a transformer that has none its last
                     block's tokens, ``[B, L, D]``
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

from typing import Any

_DATA_SAMPLES = dict(type='ModuleInputs', source='', data_idx=1)


def recorded_words(taps: dict[str, Any]) -> dict[str, dict]:
    """Word -> MMRazor's recorder, and with it the indices of the record."""
    pooled, stages, preact = (taps.get(key) for key in ('pooled', 'stages', 'preact'))
    stages, preact = stages or [], preact or []
    words = dict(
        labels=taps.get('labels'),
        data_samples=_DATA_SAMPLES,
        logits=taps.get('logits'),
        pooled=pooled,
        last_stage=stages[-1] if stages else taps.get('tokens'),
        auxiliary=dict(type='ModuleOutputs', source='auxiliary'),
        **_numbered('stages', stages),
        **_numbered('preact', preact),
        **_numbered('levels', [*stages, pooled]),
        **_numbered('preact_levels', [*preact, pooled]),
    )
    return {word: tap for word, tap in words.items() if tap is not None}


def known_words(taps: dict[str, Any]) -> dict[str, int | list[int]]:
    """Word -> number of channels."""
    channels, pooled = taps.get('channels') or [], taps.get('pooled_channels')
    words = _numbered('channels', channels)
    if pooled is not None:
        words |= dict(pooled_channels=pooled, level_channels=[*channels, pooled])
    return words


def _numbered(word: str, values: list) -> dict:
    return {f'{word}.{i}': value for i, value in enumerate(values)}
