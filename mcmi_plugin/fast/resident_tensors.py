"""The samples of a data set as tensors, and batches of them."""

from typing import Any

import numpy as np
import torch
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.structures import DataSample
from torch import Generator, Tensor

from mcmi_plugin.datasets.recorded import KEY as VIEW
from mcmi_plugin.datasets.sent import joined_sample
from mcmi_plugin.datasets.subset import pipeline_of
from mcmi_plugin.fast.known import NotKept, contents, why_unknown
from mcmi_plugin.fast.resident_transforms import (
    Plan,
    crop,
    cut,
    flip,
    take_apart,
    windows,
)
from mcmi_plugin.isolation import random_numbers_kept

# So many samples are made in the ordinary way as well, and compared.
_COMPARED = 16


class ResidentTensors:
    """Every image and label of a data set in memory, padded for its crop.

    Args:
        dataset: one that is known (:func:`.why_unknown`), whose infos have
            ``gt_label`` and either ``img`` or what its transforms load it from.
        memory_budget: most bytes that the images may take.
        device: where the images are kept if a quarter of its free memory is enough
            for them; on the CPU if it is not.

    Attributes:
        labels: [N] int64.
        sample_idx: [N] int64, or None if the pipeline does not keep it.
        nbytes: of one sample as it leaves :meth:`images`.

    Raises:
        NotKept: it is too large, or samples are made in another way.
    """

    def __init__(
        self, dataset: Any, memory_budget: int, device: torch.device | None = None
    ) -> None:
        if reason := why_unknown(dataset):
            raise NotKept(reason)
        self.contents = contents(dataset)
        self.transforms = list(pipeline_of(dataset).transforms)
        self.plan = take_apart(self.transforms)
        first, _ = sample_of(dataset, 0, self.plan)
        shape, interior = padded(first.shape, self.plan)
        needed = len(dataset) * first.itemsize * int(np.prod(shape))
        if needed > memory_budget:
            raise NotKept(
                f'{needed / 2**20:.0f} MiB of images, more than memory_budget='
                f'{memory_budget}'
            )
        images = np.empty((len(dataset), *shape), first.dtype)
        if self.plan.crop is not None:
            images[:] = np.reshape(self.plan.fill, (-1, 1, 1))
        labels, self._metas = [], []
        for i in range(len(dataset)):
            image, info = sample_of(dataset, i, self.plan)
            if image.shape != first.shape or image.dtype != first.dtype:
                raise NotKept('images of several sizes or dtypes')
            images[(i, *interior)] = image
            labels.append(_label(info))
            self._metas.append(
                {key: info[key] for key in self.plan.meta_keys if key in info}
            )
        self._images = torch.from_numpy(images)
        self._windows = None
        if self.plan.crop is not None:
            self._windows = windows(images, self.plan.crop)
        self.labels = torch.tensor(labels)
        self.sample_idx = None
        if all('sample_idx' in meta for meta in self._metas):
            self.sample_idx = torch.tensor([m['sample_idx'] for m in self._metas])
        self.nbytes = first.nbytes
        self._cropped_shape = None  # RandomCrop's words for it, the same for all
        self._compare(dataset)
        self._gathers = False  # in one go, as suits a GPU
        if device is not None and device.type == 'cuda' and _has_room(device, needed):
            self._images, self._gathers = self._images.to(device), True

    def is_of(self, dataset: Any) -> bool:
        """Whether the data set still has the contents that are kept here."""
        return contents(dataset) == self.contents

    def has_transforms_of(self, dataset: Any) -> bool:
        """The quick half of :meth:`is_of`, for every batch."""
        transforms = pipeline_of(dataset).transforms
        return len(transforms) == len(self.transforms) and all(
            one is other for one, other in zip(transforms, self.transforms, strict=True)
        )

    def draw(
        self, index: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """[B, ...] as ``PackInputs`` makes them, cropped and flipped at random.

        Args:
            index: [B] int64.
            generator: each sample draws its own numbers from it.

        Returns:
            The images; which of them are mirrored, [B] bool, None where none may be;
            and their views, [B] int64, see :mod:`mcmi_plugin.datasets.recorded`.
        """
        number, offsets = len(index), torch.zeros(2, len(index), dtype=torch.int64)
        if self._windows is not None:
            for offset, most in zip(offsets, self._windows.shape[1:3], strict=True):
                offset.random_(0, most, generator=generator)
        mirrored = None
        if self.plan.flip_prob:
            mirrored = torch.rand(number, generator=generator) < self.plan.flip_prob
        top, left = offsets
        views = top if self._windows is None else top * self._windows.shape[2] + left
        if self.plan.flips:
            views = 2 * views
        images = self._cut(index, top, left, mirrored)
        return images, mirrored, views if mirrored is None else views + mirrored

    def _cut(
        self, index: Tensor, top: Tensor, left: Tensor, mirrored: Tensor | None
    ) -> Tensor:
        if not self._gathers:
            images = (
                self._images.index_select(0, index)
                if self._windows is None
                else crop(self._windows, index, top, left)
            )
            return images if mirrored is None else flip(images, mirrored)
        # One copy of a few numbers, which nobody waits for.
        flips = torch.zeros_like(top) if mirrored is None else mirrored.long()
        numbers = torch.stack([index, top, left, flips])
        numbers = numbers.to(self._images.device, non_blocking=True)
        if self._images.ndim != 4:
            return self._images.index_select(0, numbers[0])
        return cut(self._images, self.plan.crop, *numbers)

    def joined(self, index: Tensor, views: Tensor) -> list[DataSample]:
        """One data sample for all.

        ``gt_label``, ``sample_idx`` and, if the pipeline says it, ``view_idx`` are [B]
        int64.
        """
        fields = {VIEW: views} if VIEW in self.plan.meta_keys else {}
        if self.sample_idx is not None:
            fields['sample_idx'] = self.sample_idx.index_select(0, index)
        return [joined_sample(self.labels.index_select(0, index), **fields)]

    def per_sample(
        self, index: Tensor, mirrored: Tensor | None, views: Tensor
    ) -> list[DataSample]:
        """A data sample each, as ``PackInputs`` makes it, of :meth:`draw`'s images."""
        labels = self.labels.index_select(0, index).split(1)
        samples = []
        for n, (i, label) in enumerate(zip(index.tolist(), labels, strict=True)):
            meta = dict(self._metas[i]) | {VIEW: int(views[n])}
            if self.plan.crop is not None:
                meta['img_shape'] = self._cropped_shape
            if self.plan.flips:
                is_mirrored = mirrored is not None and bool(mirrored[n])
                meta['flip'] = is_mirrored
                meta['flip_direction'] = 'horizontal' if is_mirrored else None
            told = {key: meta[key] for key in self.plan.meta_keys if key in meta}
            samples.append(joined_sample(label, **told))
        return samples

    def _compare(self, dataset: Any) -> None:
        """Raise NotKept where the data set makes other samples than this."""
        spread = np.linspace(0, len(dataset) - 1, _COMPARED).astype(int)
        for i in np.unique(spread).tolist():
            with random_numbers_kept():
                packed = dataset[i]
            if i == 0 and self.plan.crop is not None:
                self._cropped_shape = packed['data_samples'].get('img_shape')
            if not self._makes(i, packed):
                name = type(dataset).__name__
                raise NotKept(f'{name}, which makes samples of its own')

    def _makes(self, i: int, packed: Any) -> bool:
        if not isinstance(packed, dict) or packed.keys() != {'inputs', 'data_samples'}:
            return False
        image, theirs = packed['inputs'], packed['data_samples']
        mirrored = torch.tensor([bool(theirs.get('flip'))])
        views = torch.tensor([theirs.get(VIEW, 0)])
        (ours,) = self.per_sample(torch.tensor([i]), mirrored, views)
        if (
            theirs.keys() != ['gt_label']
            or not torch.equal(theirs.gt_label, ours.gt_label)
            or repr([*theirs.metainfo_items()]) != repr([*ours.metainfo_items()])
        ):
            return False
        every = self._images[i][None]
        if self._windows is not None:
            every = torch.from_numpy(self._windows[i].reshape(-1, *image.shape))
        if mirrored:
            every = every.flip(-1)
        return image.dtype == every.dtype and any(torch.equal(image, e) for e in every)


def sample_of(dataset: Any, i: int, plan: Plan) -> tuple[np.ndarray, dict]:
    """The image as it is before random transforms, [C, H, W] or a vector."""
    info = dataset.get_data_info(i)
    for transform in plan.fixed:
        info = transform(info)
        if info is None:  # the ordinary way takes another sample then
            raise NotKept(f'a sample that {type(transform).__name__} leaves out')
    return PackInputs.format_input(info['img']).numpy(), info


def _has_room(device: torch.device, needed: int) -> bool:
    return 4 * needed <= torch.cuda.mem_get_info(device)[0]


def _label(info: dict) -> int:
    label = info.get('gt_label')
    if not isinstance(label, int | np.integer) or 'gt_score' in info or 'mask' in info:
        raise NotKept(f'gt_label={label!r}, which is not one class id')
    return int(label)


def padded(shape: tuple, plan: Plan) -> tuple[tuple, tuple]:
    """The shape of an image with its padding, and where the image is in it."""
    if plan.crop is None and not plan.flip_prob:
        return shape, (...,)
    if len(shape) != 3:
        raise NotKept(f'samples of shape {list(shape)} with random transforms')
    left, top, right, bottom = plan.padding
    channels, height, width = shape
    padded = (channels, height + top + bottom, width + left + right)
    if plan.crop is not None and (plan.crop[0] > padded[1] or plan.crop[1] > padded[2]):
        raise NotKept(f'a crop of {plan.crop} from images of {padded[1:]}')
    interior = (slice(None), slice(top, top + height), slice(left, left + width))
    return padded, interior
