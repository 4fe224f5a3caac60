"""A loader that cuts whole batches from a data set kept in memory."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.dist import get_rank
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mcmi_plugin.fast.known import NotKept
from mcmi_plugin.fast.resident_tensors import ResidentTensors
from mcmi_plugin.log import log_warning

DEFAULT_BUDGET = 4 * 2**30
# Small batches are cut from the data together, large ones each by itself: about
# what a second-level cache holds.
_CHUNK_BYTES = 2**18
_COLLATES = (default_collate, pseudo_collate, torch.utils.data.default_collate)


class ResidentLoader(DataLoader):
    """Batches cut from tensors in memory, or made as ever where that cannot be.

    The sampler says which samples, in which order, in which process, so shuffling,
    resuming and several processes are as with any loader. Random crops and flips
    follow the law of mmpretrain's ``RandomCrop`` and mmcv's ``RandomFlip``, for
    each sample on its own. Their numbers come from the sampler's seed, its epoch,
    the process and the position in the epoch, and from nothing else; so a resumed
    run repeats them. A sampler without seed or epoch, and further passes of an
    epoch, get numbers that follow from torch's random state, as from any loader.

    A batch is ``dict(inputs=[B, ...] tensor, data_samples=[sample])`` with one
    mmpretrain ``DataSample`` whose ``gt_label`` is [B] int64 (and whose
    ``sample_idx``, if ``PackInputs`` keeps it, too). Losses take that as it is,
    since they join the labels of all samples; what predicts for each sample does
    not: see ``per_sample``. Nothing is kept before the first batch is asked for, and
    what is kept is made anew when the data set has another pipeline or other labels.

    Through torch's own loader goes a data set larger than ``memory_budget``, with
    transforms of other kinds, of a class that might make samples in a way of its own
    (:mod:`.known`), or whose samples turn out to be others; so does a ``collate_fn``
    of one's own. The log says why in one line.

    Args:
        dataset: of mmpretrain's form.
        batch_size: B.
        sampler: mmengine's ``DefaultSampler`` or any other; default in order.
        drop_last: leave out the last batch if it is smaller than B.
        memory_budget: most bytes that the images may take.
        device: where images are kept and cut if they take no more than a quarter of
            its free memory; the same images as on the CPU, of the same numbers. Labels
            stay on the CPU.
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
        device: torch.device | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            dataset, batch_size, sampler=sampler, drop_last=drop_last, **kwargs
        )
        self.memory_budget, self.device = memory_budget, device
        self.per_sample = False
        self._tensors: ResidentTensors | None = None
        self._is_ordinary = False
        self._passes: set[tuple] = set()  # seeds and epochs

    def __iter__(self) -> Any:  # of batches; torch's says its own iterator class
        if self._is_ordinary:
            return super().__iter__()
        state = torch.get_rng_state()
        # torch's loader draws a seed for its workers here; without it, dropout
        # would see other numbers than with that loader.
        drawn = torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        return self._pass(int(drawn), state)

    def _pass(self, drawn: int, state: Tensor) -> Iterator[dict]:
        """A pass, begun when its first batch is asked for.

        A loop counted in iterations makes its iterator before hooks have put their
        labels or their pipeline into the data set.
        """
        if self._tensors is None or not self._tensors.is_of(self.dataset):
            self._load()
        if self._tensors is not None:
            yield from self._batches(self._tensors, drawn)
            return
        # As if it had been asked at once, to the seed that it draws.
        with torch.random.fork_rng(()):
            torch.set_rng_state(state)
            ordinary = super().__iter__()
        yield from ordinary

    def _load(self) -> None:
        self._tensors = None
        try:
            if self.batch_size is None:
                raise NotKept('a batch_sampler')
            if not only_joins(self.collate_fn):
                raise NotKept(f'batches of the collate_fn {self.collate_fn}')
            self._tensors = ResidentTensors(
                self.dataset, self.memory_budget, self.device
            )
        except NotKept as reason:
            self._is_ordinary = True
            log_warning(
                f'ResidentLoader cannot keep {reason}; an ordinary loader takes over'
            )

    def _batches(self, tensors: ResidentTensors | None, drawn: int) -> Iterator[dict]:
        indices, generator = iter(self.sampler), self._generator(drawn)
        batch_size = cast(int, self.batch_size)
        nbytes = cast(ResidentTensors, tensors).nbytes
        batches = max(1, _CHUNK_BYTES // (batch_size * nbytes))
        while chunk := list(islice(indices, batches * batch_size)):
            if tensors is not None and not tensors.has_transforms_of(self.dataset):
                # In the midst of a pass, which may be the only one.
                self._load()
                tensors = self._tensors
            yield from self._cut(tensors, torch.tensor(chunk), generator)

    def _cut(
        self, tensors: ResidentTensors | None, index: Tensor, generator: Generator
    ) -> Iterator[dict]:
        batch_size = cast(int, self.batch_size)
        parts = list(index.split(batch_size))
        if self.drop_last and len(parts[-1]) < batch_size:
            parts.pop()
        if tensors is None:
            for part in parts:
                yield self.collate_fn([self.dataset[i] for i in part.tolist()])
            return
        images, mirrored, views = tensors.draw(index, generator)
        for n, part in enumerate(parts):
            here = slice(n * batch_size, (n + 1) * batch_size)
            flipped = None if mirrored is None else mirrored[here]
            samples = (
                tensors.per_sample(part, flipped, views[here])
                if self.per_sample
                else tensors.joined(part, views[here])
            )
            yield dict(inputs=images[here], data_samples=samples)

    def _generator(self, drawn: int) -> Generator:
        """For the crops and flips of a pass.

        Of the sampler's seed and epoch, if they tell this pass from those before; or
        else (a sampler without them, a validation) of the number that torch has drawn
        for it.
        """
        told = getattr(self.sampler, 'seed', None), getattr(self.sampler, 'epoch', None)
        is_new = None not in told and told not in self._passes
        self._passes.add(told)
        entropy = told if is_new else (drawn,)
        mixed = np.random.SeedSequence((*entropy, get_rank())).generate_state(1)
        return Generator().manual_seed(int(mixed[0]))


def only_joins(collate_fn: Any) -> bool:
    """Whether it puts a batch together and does no more."""
    plain = getattr(collate_fn, 'func', collate_fn)
    options = getattr(collate_fn, 'args', ()) or getattr(collate_fn, 'keywords', {})
    return plain in _COLLATES and not options
