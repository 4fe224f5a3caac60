"""Where a network that was run once has its stages, and what goes into the classifier.

A stage is the last map [B, C, H, W] of one size; the deepest four count, as in
ResNets, whose stem is none. What is inside a block is no stage, though its size may
be that of the stage before.
"""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from .seen import BATCH, Call, Seen

_MOST = 4


def stages_in(seen: Seen) -> list[Tensor]:
    """The stages' outputs, the largest first; none of a network without maps."""
    whole = {id(call.output) for call in seen.calls}
    stem = next((call for call in seen.calls if _is_conv(call.module)), None)
    maps, with_weights = [], set()
    for call in seen.calls:
        found = call.output
        if _is_map(found, seen) and not _inside_block(call, seen):
            maps.append((call, found))
            if _is_conv(call.module) and call is not stem:
                with_weights.add(_size(found))
        elif isinstance(found, (tuple, list)):  # as Swin's backbone puts it out
            for part in found:
                if _is_map(part, seen) and id(part) not in whole:
                    maps.append((call, part))
                    with_weights.add(_size(part))
    order = {id(call): i for i, call in enumerate(seen.calls)}
    last: dict[tuple[int, int], tuple[Call, Tensor]] = {}
    for call, found in _before_expansion(maps, seen, order):
        if _size(found) in with_weights:  # a stem or a pooling alone is no stage
            last[_size(found)] = call, found
    deepest_first = sorted(last.values(), key=lambda x: x[1].shape[-2:].numel())
    kept: list[Tensor] = []
    until = len(order)
    for call, found in deepest_first:
        here = order[id(call)]
        # One that is larger and comes later is of a decoder, or beside the way.
        if here <= until and not _becomes_tokens(found, seen.calls[here + 1 : until]):
            kept.append(found)
            until = here
    return kept[:_MOST][::-1]


def _before_expansion(
    maps: list[tuple[Call, Tensor]], seen: Seen, order: dict[int, int]
) -> list[tuple[Call, Tensor]]:
    """Without what follows the last stage: a 1x1 convolution in front of the pooling.

    MobileNets and ShuffleNets have one, outside of every block.
    """
    convs = [
        call for call, found in maps if _is_conv(call.module) and call.output is found
    ]
    deepest = _size(convs[-1].output) if convs else None
    convs = [conv for conv in convs if _size(conv.output) == deepest]
    until = len(order)
    while convs and _is_pointwise(convs[-1].module) and not _block_of(convs[-1], seen):
        until = order[id(convs.pop())]
    kept = [(call, found) for call, found in maps if order[id(call)] < until]
    return kept if convs else maps


def _block_of(conv: Call, seen: Seen) -> Call | None:
    """The innermost block, of more than this convolution, that it is a part of."""
    for block in conv.parents:
        taken = _first(block)
        if taken is seen.image or not _is_map(taken, seen):
            continue
        if _is_map(block.output, seen) and any(
            _is_conv(module) and not _is_pointwise(module)
            for module in block.module.modules()
        ):
            return block
    return None


def last_tokens(seen: Seen) -> Tensor | None:
    """What a transformer's last block puts out, [B, L, D]; None without one."""
    tokens = [call.output for call in seen.calls if _is_tokens(call.output)]
    return tokens[-1] if tokens else None


def before_activation(stage: Tensor, seen: Seen) -> dict | None:
    """Tap of a stage before its activation; None where no module tells.

    That is what goes into the activation that puts the stage out, or the stage
    itself where it is linear.
    """
    makers = [call for call in seen.calls if call.output is stage]
    if makers and _is_activation(makers[0].module):
        call = makers[0]
        if isinstance(before := call.inputs[0], Tensor):
            same = before._version == call.version[0] and before is not stage
            return tap_of(call, 'ModuleInputs', 0) if same else None
    return where_put_out(stage, seen) if bool((stage < 0).any()) else None


def where_put_out(tensor: Tensor, seen: Seen) -> dict | None:
    """Tap of the outermost module that puts a tensor out, alone or as a first part."""
    found = None
    for call in seen.calls:
        if not call.name:
            continue
        if call.output is tensor:
            found = tap_of(call)
        elif isinstance(call.output, (tuple, list)) and found is None:
            places = [i for i, part in enumerate(call.output) if part is tensor]
            found = tap_of(call, data_idx=places[0]) if places else None
    return found


def logits_call(seen: Seen) -> tuple[Call, dict] | None:
    """The innermost call that puts the logits out, and its tap."""
    for call in seen.calls:
        if call.name and seen.logits is not None and call.output is seen.logits:
            return call, tap_of(call)
    return None


def pooled_of(seen: Seen) -> tuple[dict, int] | None:
    """Tap of what the classifier reads, [B, D], before a dropout of it; and D."""
    found = logits_call(seen)
    if found is None:
        return None
    call = found[0]
    if not _is_vector(_first(call)):
        # A head of several classifiers, as DeiT's: what its first one reads.
        inner = [
            c
            for c in seen.calls
            if isinstance(c.module, nn.Linear)
            and call in c.parents
            and _is_vector(_first(c))
            and c.output.shape == call.output.shape
        ]
        if not inner:
            return None
        call = inner[0]
    read = _first(call)
    makers = [c for c in seen.calls if c.output is read]
    if makers and isinstance(makers[0].module, nn.Dropout):
        call, read = makers[0], _first(makers[0])
    tap = where_put_out(read, seen) or tap_of(call, 'ModuleInputs', 0)
    return tap, read.shape[1]


def tap_of(
    call: Call, kind: str = 'ModuleOutputs', data_idx: int | None = None
) -> dict:
    """A recorder, and with it the indices of the record that are not the defaults."""
    tap: dict[str, Any] = dict(type=kind, source=call.name)
    if call.index:
        tap['record_idx'] = call.index
    if data_idx is not None:
        tap['data_idx'] = data_idx
    return tap


def _first(call: Call) -> Any:
    return call.inputs[0] if call.inputs else None


def _is_vector(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 2 and len(value) == BATCH


def _is_tokens(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 3 and len(value) == BATCH


def _is_map(value: Any, seen: Seen) -> bool:
    if not isinstance(value, Tensor) or value.ndim != 4 or len(value) != BATCH:
        return False
    height, width = _size(value)
    # A map of [B, H, W, C] shows by being no square.
    square = seen.image.shape[-1] == seen.image.shape[-2]
    return height * width > 1 and (height == width or not square)


def _size(feature: Tensor) -> tuple[int, int]:
    return feature.shape[-2], feature.shape[-1]


def _inside_block(call: Call, seen: Seen) -> bool:
    size = _size(call.output)
    for block in call.parents:
        taken = _first(block)
        if not (_is_map(taken, seen) and _is_map(block.output, seen)):
            continue
        if taken is seen.image or _size(block.output) == size:
            continue
        if _size(taken) == _size(block.output):
            return True  # of a block that keeps its size, as a pyramid in it
        if _size(taken) == size and len(set(_sizes_inside(block, seen))) < 3:
            return True  # of one that halves it, before it does
    return False


def _sizes_inside(block: Call, seen: Seen) -> Iterator[tuple[int, int]]:
    for call in seen.calls:
        if _is_map(call.output, seen) and block in call.parents:
            yield _size(call.output)


def _becomes_tokens(found: Tensor, later: list[Call]) -> bool:
    """Whether a map is cut into a transformer's tokens, as by a patch embedding."""
    number = found.shape[-1] * found.shape[-2]
    return any(
        _is_tokens(call.output) and 0 <= call.output.shape[1] - number <= 2
        for call in later
    )


def _is_conv(module: nn.Module) -> bool:
    return any(weight.ndim == 4 for weight in module.parameters(recurse=False))


def _is_pointwise(module: nn.Module) -> bool:
    return getattr(module, 'kernel_size', None) == (1, 1)


def _is_activation(module: nn.Module) -> bool:
    kind = type(module)
    return 'activation' in kind.__module__ or kind.__name__ in ('Swish', 'HSwish')
