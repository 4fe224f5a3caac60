"""A network that is run once on random images, and every call of its modules."""

from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..compat.preactivation import switch_in_place_off
from ..errors import UserError, one_line
from ..fast.records import tensors_in
from ..networks import built, standing_alone

BATCH = 2
# Sides of the images that are tried, until the network takes one. 64 costs little and
# leaves five halvings; some networks take one size only.
_SIZES = (64, 224, 32, 28, 299, 384, 256, 512)


@dataclass(eq=False)
class Call:
    """One call of a module.

    Attributes:
        name: of the module.
        index: how often it was called before, which is a recorder's ``record_idx``.
        module: that was called.
        inputs: its positional arguments.
        parent: the call that it was part of.
        output: what it put out.
        version: of each tensor that went in, as torch counts changes in place.
        put_out: the same of each tensor that came out.
    """

    name: str
    index: int
    module: nn.Module
    inputs: tuple
    parent: 'Call | None'
    version: list[int]
    output: Any = None
    put_out: list[int] = field(default_factory=list)

    @property
    def parents(self):
        call = self.parent
        while call is not None:
            yield call
            call = call.parent


@dataclass
class Seen:
    """What a training step of a network has shown.

    Attributes:
        calls: in the order in which they ended.
        image: what went in, [B, ...].
        logits: [B, C], or None if that is not what came out.
        labels: the call that took the labels and their place in its arguments, or
            None.
    """

    calls: list[Call]
    image: Tensor
    logits: Tensor | None
    labels: tuple[Call, int] | None


def see(network: dict, where: str, shape: tuple[int, ...] | None = None) -> Seen:
    """Build a network and take it through one training step, without a gradient.

    Its batch norms are in evaluation mode, as a teacher's are; no weight changes. The
    random state is for the caller to keep.

    Args:
        shape: of one image; by default sizes are tried.

    Raises:
        UserError: it cannot be built, or takes no such image.
    """
    network = {k: v for k, v in network.items() if k != 'train_cfg'}  # of mixed images
    try:
        alone = standing_alone(ConfigDict(network), ConfigDict())
        seen = built(MODELS, alone, Config()).eval()
    except Exception as error:  # of any class: it may be the user's own
        raise UserError(
            f'{where} cannot be built ({one_line(error, 160)}); if it needs a file of '
            'yours, that file imports it: custom_imports=dict(imports=[...])'
        ) from error
    switch_in_place_off(seen)
    seen.train()
    for module in seen.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    shapes = [tuple(shape)] if shape else _shapes(seen)
    reasons = []
    for tried in shapes:
        try:
            return _step(seen, torch.rand(BATCH, *tried))
        except Exception as error:  # as it was written for other images
            reasons.append(f'{list(tried)}: {one_line(error, 160)}')
    raise UserError(
        f'{where} takes no image of these sizes ({"; ".join(reasons[:2])}); say the '
        'size that it takes: pair.input_shape=(C, H, W)'
    )


def _shapes(network: nn.Module) -> list[tuple[int, ...]]:
    convs = (m for m in network.modules() if isinstance(m, nn.Conv2d))
    first = next(convs, None)
    channels = first.in_channels if first is not None else 3
    return [(channels, size, size) for size in _SIZES]


def _step(network: nn.Module, image: Tensor) -> Seen:
    labels = torch.arange(BATCH).flip(0)
    samples = [DataSample().set_gt_label(int(label)) for label in labels]
    try:
        calls, _ = calls_of(network, image, samples, mode='loss')
    except Exception:  # a loss of other labels than one a sample
        calls, found = calls_of(network, image, mode='tensor')
        return Seen(calls, image, _as_logits(found), None)
    taken = next(
        (
            (call, place)
            for call in calls
            for place, value in enumerate(call.inputs)
            if isinstance(value, Tensor)
            and not value.is_floating_point()
            and value.shape == labels.shape
            and value.equal(labels.to(value.dtype))
        ),
        None,
    )
    logits = _as_logits(taken[0].inputs[0]) if taken else None
    if logits is None:  # the loss is no module, or is one of another kind
        others, found = calls_of(network, image, mode='tensor')
        logits = _counterpart(_as_logits(found), others, calls)
    return Seen(calls, image, logits, taken)


def _counterpart(
    wanted: Tensor | None, others: list[Call], calls: list[Call]
) -> Tensor | None:
    """The tensor of ``calls`` that came out where ``wanted`` did in ``others``."""
    places = {(c.name, c.index) for c in others if c.output is wanted and c.name}
    return next(
        (c.output for c in calls if wanted is not None and (c.name, c.index) in places),
        None,
    )


def _as_logits(value: Any) -> Tensor | None:
    is_one = isinstance(value, Tensor) and value.is_floating_point()
    return value if is_one and value.ndim == 2 and len(value) == BATCH else None


def calls_of(network: nn.Module, *arguments, mode: str) -> tuple[list[Call], Any]:
    """Every call of a network's modules as they end, and what the network puts out."""
    ended: list[Call] = []
    open_calls: list[Call] = []
    counts: dict[str, int] = {}

    def begins(name: str):
        def hook(module: nn.Module, inputs: tuple) -> None:
            index = counts.get(name, 0)
            counts[name] = index + 1
            versions = [x._version if isinstance(x, Tensor) else 0 for x in inputs]
            parent = open_calls[-1] if open_calls else None
            open_calls.append(Call(name, index, module, inputs, parent, versions))

        return hook

    def ends(module: nn.Module, inputs: tuple, output: Any) -> None:
        call = open_calls.pop()
        call.output = output
        call.put_out = [tensor._version for tensor in tensors_in(output)]
        ended.append(call)

    handles = []
    for name, module in network.named_modules():
        handles.append(module.register_forward_pre_hook(begins(name)))
        handles.append(module.register_forward_hook(ends))
    try:
        with torch.no_grad():
            return ended, network(*arguments, mode=mode)
    finally:
        for handle in handles:
            handle.remove()
