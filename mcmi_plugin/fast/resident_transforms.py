"""Which pipelines can be applied to whole batches, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmcv.transforms import RandomFlip
from mmpretrain.datasets.transforms import PackInputs, RandomCrop
from torch import Tensor

from mcmi_plugin.datasets.recorded import RecordedCrop, RecordedFlip, RecordedPack
from mcmi_plugin.fast.known import FIXED, NotKept

# That they say which view they have made, or do not.
_CROPS = (RandomCrop, RecordedCrop)
_FLIPS = (RandomFlip, RecordedFlip)
_PACKS = (PackInputs, RecordedPack)


@dataclass
class Plan:
    """A pipeline taken apart.

    Attributes:
        fixed: transforms to run once per image.
        crop: [height, width] of a random crop, or None.
        padding: left, top, right and bottom pixels before that crop.
        fill: of the padding, one number or one per channel.
        flips: there is a flip, whose result a data sample tells.
        flip_prob: of a horizontal flip.
        meta_keys: what goes into the data samples beside the label.
    """

    fixed: list
    crop: tuple[int, int] | None = None
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float | Sequence[float] = 0
    flips: bool = False
    flip_prob: float = 0.0
    meta_keys: tuple[str, ...] = ()


def take_apart(transforms: Sequence[Any]) -> Plan:
    """The plan of ``[fixed ..., RandomCrop, RandomFlip, PackInputs]``.

    Each may be missing, but for ``PackInputs``. Subclasses are not taken for
    what they inherit from.

    Raises:
        NotKept: there is another transform, order or option.
    """
    steps = list(transforms)
    plan = Plan(fixed=[])
    while steps and type(steps[0]) in FIXED:
        plan.fixed.append(steps.pop(0))
    if steps and type(steps[0]) in _CROPS:
        _add_crop(plan, steps.pop(0))
    if steps and type(steps[0]) in _FLIPS:
        _add_flip(plan, steps.pop(0))
    if not steps or type(steps[0]) not in _PACKS:
        raise NotKept(_named(steps[0]) if steps else 'a pipeline of no PackInputs')
    pack = steps.pop(0)
    if steps or pack.input_key != 'img' or pack.algorithm_keys:
        raise NotKept(_named(steps[0] if steps else pack))
    plan.meta_keys = tuple(pack.meta_keys)
    return plan


def _add_crop(plan: Plan, transform: RandomCrop) -> None:
    if transform.pad_if_needed:
        raise NotKept(_named(transform))
    padding = transform.padding or 0
    if isinstance(padding, int):
        padding = (padding,) * 4
    # padding_mode is not looked at, because RandomCrop does not: it pads by fill.
    plan.padding = tuple(padding) if len(padding) == 4 else (*padding, *padding)
    plan.crop = tuple(transform.crop_size)
    plan.fill = transform.pad_val


def _add_flip(plan: Plan, transform: RandomFlip) -> None:
    if transform.direction != 'horizontal' or not isinstance(transform.prob, float):
        raise NotKept(_named(transform))
    plan.flips, plan.flip_prob = True, transform.prob


def _named(transform: Any) -> str:
    return f'the transform {transform!r}'.replace('\n', ' ')


def windows(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A view of every crop: [N, C, H, W] to [N, H - h + 1, W - w + 1, C, h, w]."""
    view = np.lib.stride_tricks.sliding_window_view(images, size, axis=(2, 3))
    return view.transpose(0, 2, 3, 1, 4, 5)


def crop(view: np.ndarray, index: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """[B, C, h, w] from :func:`windows`: image, first row and column of each.

    numpy copies whole crops here, torch would copy pixel by pixel.
    """
    return torch.from_numpy(view[index.numpy(), top.numpy(), left.numpy()])


def flip(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror those images of [B, ..., W] whose ``mirrored`` [B] is True."""
    both = torch.cat([images, images.flip(-1)])
    number = len(images)
    return both.index_select(0, torch.arange(number) + number * mirrored)


def cut(
    images: Tensor,
    size: tuple[int, int] | None,
    index: Tensor,
    top: Tensor,
    left: Tensor,
    mirrored: Tensor,
) -> Tensor:
    """:func:`crop` and :func:`flip` in one gather, as suits a GPU: [B, C, h, w].

    Args:
        images: [N, C, H, W].
        size: (h, w) of a crop; None: whole images.
        index, top, left, mirrored: [B] int64 on the device of the images.
    """
    height, width = size or images.shape[-2:]
    channels, rows, columns = (
        torch.arange(length, device=images.device)
        for length in (images.shape[1], height, width)
    )
    columns = torch.where(mirrored[:, None] > 0, width - 1 - columns, columns)
    return images[
        index[:, None, None, None],
        channels[:, None, None],
        (top[:, None] + rows)[:, None, :, None],
        (left[:, None] + columns)[:, None, None, :],
    ]
