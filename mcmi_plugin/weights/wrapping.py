"""What training programs wrap around a network's weights: dictionaries and prefixes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from mcmi_plugin.errors import UserError, some_of

# The entry that holds the weights, the first that there is: mmengine's, RepDistiller's
# and torchvision's, HSAKD's and kuangliu's, PyTorch's tutorials' ...
# Averaged weights count where nothing else is there: what mmengine calls
# ema_state_dict are the weights that were not averaged.
_ENTRIES = (
    *('state_dict', 'model', 'net', 'model_state_dict', 'model_state', 'network'),
    *('params', 'weights', 'state_dict_ema', 'model_ema', 'params_ema'),
)
# Names that none but torch's own wrappers have, wherever they stand in a key.
_TORCHS = re.compile(
    r'(^|(?<=\.))(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.'
)
_COUNTER = 'n_averaged'  # of torch's AveragedModel, which has no other use


class Weights(NamedTuple):
    """A file's weights without what is wrapped around them.

    Attributes:
        state: the weights by their keys.
        entry: of the file that they were in; None if they are all that it holds.
        others: its other entries that hold weights.
    """

    state: dict[str, Tensor]
    entry: str | None
    others: list[str]


def weights_in(checkpoint: dict, entry: str | None = None) -> Weights:
    """The weights in a checkpoint, without what torch's wrappers add to their names.

    These are ``module.`` of a parallel or averaged model and ``_orig_mod.`` of a
    compiled one.

    Args:
        entry: the one to take; the first of the usual names by default.

    Raises:
        UserError: there is no such entry, or several and none of a usual name.
    """
    held = {name: part for name, part in checkpoint.items() if _tensors(part)}
    # Beside an entry of a usual name, fewer tensors are a score or a generator's state.
    # Entries are dictionaries, so that no layer of such a name is taken for one.
    beside = len(_tensors(checkpoint))
    usual = any(n in held and beside < len(_tensors(held[n])) for n in _ENTRIES)
    if entry is None and (usual or not _tensors(checkpoint)):
        entry = next((name for name in _ENTRIES if name in held), None)
        if entry is None and len(held) > 1:
            raise UserError(
                f'holds several sets of weights ({", ".join(held)}); take one: '
                'tools/convert_checkpoint.py --take NAME'
            )
        entry = entry or next(iter(held), None)
    elif entry is not None and entry not in held:
        there = ', '.join(held) or 'none'
        raise UserError(f'--take {entry}: there are no weights; there is {there}')
    found = _tensors(checkpoint if entry is None else held[entry])
    state = {_without_torchs(name): value for name, value in found.items()}
    if len(state) > 1:
        state.pop(_COUNTER, None)
    return Weights(state, entry, [name for name in held if name != entry])


def _tensors(part: object) -> dict[str, Tensor]:
    if not isinstance(part, dict):
        return {}
    return {k: v for k, v in part.items() if isinstance(v, Tensor)}


def _without_torchs(name: str) -> str:
    name = _TORCHS.sub('', name)
    while name.startswith('module.'):
        name = _TORCHS.sub('', name.removeprefix('module.'))
    return name


def with_own_names(state: dict[str, Tensor], wanted: dict) -> dict[str, Tensor]:
    """Put back what was a network's own and came off as if a wrapper had added it.

    A file does not tell an attribute ``module`` from a parallel model's; the names of
    the model do.

    Args:
        state: as :func:`weights_in` has it.
        wanted: the model's keys. Names that fit are left alone.
    """
    own = {_without_torchs(name): name for name in wanted}
    return {
        name if name in wanted else own.get(name, name): value
        for name, value in state.items()
    }


def without_prefix(state: dict, wanted: dict) -> tuple[dict, str]:
    """Take off what all names begin with (``model.``, ``net.``, several of them).

    A classifier has a network and a head, so that nothing but a wrapper can stand in
    front of every name; whether the names fit then is for the strict loading to say.

    Args:
        state: by the names of the file.
        wanted: by those of the model. Names that fit are left alone.

    Returns:
        ``state`` by its new names, and what has come off.
    """
    off = ''
    while state and not any(name in wanted for name in state):
        first = {name.partition('.')[0] for name in state}
        if len(first) > 1 or not all('.' in name for name in state):
            break
        off += (prefix := f'{first.pop()}.')
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state, off


def as_mmpretrain(state: dict, wanted: dict) -> dict:
    """Rename torchvision's ResNets, whose names differ by prefixes only.

    A wrapper's prefix comes off first. The network goes behind ``backbone.``, ``fc``
    to ``head.fc``; so do timm's ResNets, ResNeXts and wide ResNets.

    Args:
        state: what to rename, by its keys.
        wanted: the model's keys.

    Returns:
        ``state`` by its new keys; without the prefix alone if none of them fits.
    """
    state, _ = without_prefix(state, wanted)
    if any(name in wanted for name in state):
        return state
    prefixed = {
        f'head.{k}' if k.startswith('fc.') else f'backbone.{k}': v
        for k, v in state.items()
    }
    return prefixed if any(name in wanted for name in prefixed) else state


def renamed(state: dict[str, Tensor], renames: Sequence[str]) -> dict[str, Tensor]:
    """Names by what the user says, ``OLD=NEW`` for beginnings of names.

    Raises:
        UserError: no name begins so, or two names become one.
    """
    for rename in renames:
        old, sign, new = rename.partition('=')
        if not sign or not any(name.startswith(old) for name in state):
            begin = dict.fromkeys(name.partition('.')[0] for name in state)
            raise UserError(
                f'--rename {rename}: OLD=NEW takes the beginnings of names; those of '
                f'the file are {some_of(list(begin), 5)}'
            )
        result = {
            new + name.removeprefix(old) if name.startswith(old) else name: value
            for name, value in state.items()
        }
        if len(result) < len(state):
            raise UserError(f'--rename {rename}: two weights would have one name')
        state = result
    return state
