"""A loader that cuts whole batches from a data set kept in memory."""

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmpretrain.structures import DataSample
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mcmi_plugin.datasets.resident_tensors import ResidentTensors
from mcmi_plugin.datasets.resident_transforms import NotResident

DEFAULT_BUDGET = 4 * 2**30
# Small batches are cut from the data together, large ones each by itself: about
# what a second-level cache holds.
_CHUNK_BYTES = 2**18


class ResidentLoader(DataLoader):
    """Batches cut from tensors in memory, or made as ever where that cannot be.

    The sampler says which samples, in which order, in which process, so shuffling,
    resuming and several processes are as with any loader. Random crops and flips
    follow the law of mmpretrain's ``RandomCrop`` and mmcv's ``RandomFlip``, for
    each sample on its own. Their numbers come from the sampler's seed, its epoch,
    the process and the position in the epoch, and from nothing else; so a resumed
    run repeats them.

    A batch is ``dict(inputs=[B, ...] tensor, data_samples=[sample])`` with one
    mmpretrain ``DataSample`` whose ``gt_label`` is [B] int64 (and whose
    ``sample_idx``, if ``PackInputs`` keeps it, too). Losses take that as it is,
    since they join the labels of all samples; what predicts for each sample does
    not: see ``per_sample``. Nothing is kept before the first iteration.

    A data set larger than ``memory_budget`` or with transforms of other kinds goes
    through torch's own loader, and the log says why in one line.

    Args:
        dataset: of mmpretrain's form.
        batch_size: B.
        sampler: mmengine's ``DefaultSampler`` or any other; default in order.
        drop_last: leave out the last batch if it is smaller than B.
        memory_budget: most bytes that the images may take.
        kwargs: for torch's ``DataLoader`` where the data are not kept.

    Attributes:
        per_sample: give ``data_samples`` as B samples of their own, for what
            predicts or for labels that are mixed.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int | None,
        sampler: Sampler | None = None,
        drop_last: bool = False,
        memory_budget: int = DEFAULT_BUDGET,
        **kwargs,
    ) -> None:
        super().__init__(
            dataset, batch_size, sampler=sampler, drop_last=drop_last, **kwargs
        )
        self.memory_budget = memory_budget
        self.per_sample = False
        self._tensors: ResidentTensors | None = None
        self._is_ordinary = False

    def __iter__(self) -> Any:  # of batches; torch's says its own iterator class
        if self._tensors is None and not self._is_ordinary:
            self._load()
        if self._is_ordinary:
            return super().__iter__()
        # torch's loader draws a seed for its workers here; without it, dropout
        # would see other numbers than with that loader.
        torch.empty((), dtype=torch.int64).random_()
        return self._batches(cast(ResidentTensors, self._tensors))

    def _load(self) -> None:
        try:
            if self.batch_size is None:
                raise NotResident('a batch_sampler')
            self._tensors = ResidentTensors(self.dataset, self.memory_budget)
        except NotResident as reason:
            self._is_ordinary = True
            print_log(
                f'ResidentLoader cannot keep {reason}; an ordinary loader takes over',
                logger='current',
                level=logging.WARNING,
            )

    def _batches(self, tensors: ResidentTensors) -> Iterator[dict]:
        indices, generator = iter(self.sampler), self._generator()
        batch_size = cast(int, self.batch_size)
        batches = max(1, _CHUNK_BYTES // (batch_size * tensors.nbytes))
        while chunk := list(islice(indices, batches * batch_size)):
            index = torch.tensor(chunk)
            images = tensors.images(index, generator).split(batch_size)
            for inputs, number in zip(images, index.split(batch_size), strict=True):
                if len(number) < batch_size and self.drop_last:
                    return
                yield dict(inputs=inputs, data_samples=self._samples(tensors, number))

    def _generator(self) -> Generator:
        seed = getattr(self.sampler, 'seed', None)
        if seed is None:
            seed = torch.initial_seed()
        epoch = getattr(self.sampler, 'epoch', 0)
        mixed = np.random.SeedSequence((seed, epoch, get_rank())).generate_state(1)
        return Generator().manual_seed(int(mixed[0]))

    def _samples(self, tensors: ResidentTensors, number: Tensor) -> list[DataSample]:
        labels = tensors.labels.index_select(0, number)
        parts = labels.split(1) if self.per_sample else [labels]
        samples = [DataSample().set_gt_label(part) for part in parts]
        if tensors.sample_idx is not None:
            known = tensors.sample_idx.index_select(0, number)
            values = known.tolist() if self.per_sample else [known]
            for sample, value in zip(samples, values, strict=True):
                sample.set_field(value, 'sample_idx', field_type='metainfo')
        return samples
