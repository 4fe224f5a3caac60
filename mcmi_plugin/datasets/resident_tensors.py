"""The samples of a data set as tensors, and batches of them."""

import random
from typing import Any

import numpy as np
import torch
from mmpretrain.datasets.transforms import PackInputs
from torch import Generator, Tensor

from mcmi_plugin.datasets.resident_transforms import (
    NotResident,
    Plan,
    crop,
    flip,
    take_apart,
    windows,
)


class ResidentTensors:
    """Every image and label of a data set in memory, padded for its crop.

    Args:
        dataset: ``get_data_info(i)`` gives a dict with ``gt_label`` and either
            ``img`` or what its transforms load it from; ``pipeline`` is its own or
            that of the data set it wraps.
        memory_budget: most bytes that the images may take.

    Attributes:
        labels: [N] int64.
        sample_idx: [N] int64, or None if the pipeline does not keep it.
        nbytes: of one sample as it leaves :meth:`images`.

    Raises:
        NotResident: it is too large, or samples are made in another way.
    """

    def __init__(self, dataset: Any, memory_budget: int) -> None:
        self.plan = take_apart(_pipeline(dataset))
        _check_sample(dataset, self.plan)
        first, _ = _sample(dataset, 0, self.plan)
        shape, interior = _padded(first.shape, self.plan)
        needed = len(dataset) * first.itemsize * int(np.prod(shape))
        if needed > memory_budget:
            raise NotResident(
                f'{needed / 2**20:.0f} MiB of images, more than memory_budget='
                f'{memory_budget}'
            )
        images = np.empty((len(dataset), *shape), first.dtype)
        if self.plan.crop is not None:
            images[:] = np.reshape(self.plan.fill, (-1, 1, 1))
        labels, indices = [], []
        for i in range(len(dataset)):
            image, info = _sample(dataset, i, self.plan)
            if image.shape != first.shape or image.dtype != first.dtype:
                raise NotResident('images of several sizes or dtypes')
            images[(i, *interior)] = image
            labels.append(_label(info))
            indices.append(info.get('sample_idx'))
        self._images = torch.from_numpy(images)
        self._windows = None
        if self.plan.crop is not None:
            self._windows = windows(images, self.plan.crop)
        self.labels = torch.tensor(labels)
        self.sample_idx = None
        if self.plan.keeps_index and None not in indices:
            self.sample_idx = torch.tensor(indices)
        self.nbytes = first.nbytes

    def images(self, index: Tensor, generator: Generator) -> Tensor:
        """[B, ...] as ``PackInputs`` makes them, cropped and flipped at random.

        Args:
            index: [B] int64.
            generator: each sample draws its own numbers from it.
        """
        number = len(index)
        if self._windows is None:
            images = self._images.index_select(0, index)
        else:
            top, left = (
                torch.randint(offsets, (number,), generator=generator)
                for offsets in self._windows.shape[1:3]
            )
            images = crop(self._windows, index, top, left)
        if self.plan.flip_prob:
            drawn = torch.rand(number, generator=generator)
            images = flip(images, drawn < self.plan.flip_prob)
        return images


def _pipeline(dataset: Any) -> list:
    if hasattr(dataset, 'pipeline'):
        return dataset.pipeline.transforms
    if hasattr(dataset, 'dataset'):
        return _pipeline(dataset.dataset)
    raise NotResident(f'{type(dataset).__name__}, which has no pipeline')


def _sample(dataset: Any, i: int, plan: Plan) -> tuple[np.ndarray, dict]:
    """The image as it is before random transforms, [C, H, W] or a vector."""
    info = dataset.get_data_info(i)
    for transform in plan.fixed:
        info = transform(info)
    return PackInputs.format_input(info['img']).numpy(), info


def _label(info: dict) -> int:
    label = info.get('gt_label')
    if not isinstance(label, int | np.integer):
        raise NotResident(f'gt_label={label!r}, which is not one class id')
    return int(label)


def _padded(shape: tuple, plan: Plan) -> tuple[tuple, tuple]:
    """The shape of an image with its padding, and where the image is in it."""
    if plan.crop is None and not plan.flip_prob:
        return shape, (...,)
    if len(shape) != 3:
        raise NotResident(f'samples of shape {list(shape)} with random transforms')
    left, top, right, bottom = plan.padding
    channels, height, width = shape
    padded = (channels, height + top + bottom, width + left + right)
    if plan.crop is not None and (plan.crop[0] > padded[1] or plan.crop[1] > padded[2]):
        raise NotResident(f'a crop of {plan.crop} from images of {padded[1:]}')
    interior = (slice(None), slice(top, top + height), slice(left, left + width))
    return padded, interior


def _check_sample(dataset: Any, plan: Plan) -> None:
    """A sample of the data set is what its info and its pipeline make of it.

    A wrapper may add to samples, or change them.
    """
    if not hasattr(dataset, 'get_data_info'):
        raise NotResident(f'{type(dataset).__name__}, which has no get_data_info')
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    packed = dataset[0]
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    sample = packed.get('data_samples') if isinstance(packed, dict) else None
    if (
        sample is None
        or set(packed) != {'inputs', 'data_samples'}
        or sample.keys() != ['gt_label']
        or sample.gt_label.tolist() != [_label(_sample(dataset, 0, plan)[1])]
    ):
        raise NotResident(f'{type(dataset).__name__}, which makes samples of its own')
