"""Transforms that say which view of an image they have made.

A built pipeline's ``RandomCrop``, ``RandomFlip`` and ``PackInputs`` become these by
their class alone: they draw the same numbers and make the same images, and every data
sample tells its ``view_idx`` as well. The counted ones make one of a fixed number of
views, from numbers that depend on the image and the view alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from mmcv.transforms import RandomFlip
from mmpretrain.datasets.transforms import PackInputs, RandomCrop, RandomResizedCrop

KEY = 'view_idx'
# Of an info that asks for one view: which one the pipeline shall make.
WANTED = 'wanted_view'


class RecordedCrop(RandomCrop):
    """``view_idx``: the place of the crop, counted row by row.

    Attributes:
        places: how many there are down and across; where an image has others, the
            view is below 0, which is none.
        below: views of each place.
    """

    places: tuple[int, int]
    below: int
    _wanted: int | None = None
    _view = -1

    def rand_crop_params(self, img: np.ndarray) -> tuple[int, int, int, int]:
        top, left, height, width = super().rand_crop_params(img)
        if self._wanted is not None:
            top, left = divmod(self._wanted // self.below, self.places[1])
        here = img.shape[0] - height + 1, img.shape[1] - width + 1
        self._view = top * here[1] + left if here == self.places else -1
        return top, left, height, width

    def transform(self, results: dict) -> dict:
        self._wanted = results.get(WANTED)
        results = super().transform(results)
        results[KEY] = self._view
        return results


class RecordedFlip(RandomFlip):
    """``view_idx``: twice that of the crop, and one more if it is mirrored."""

    _wanted: int | None = None

    def _choose_direction(self) -> str | None:
        if self._wanted is None:
            return super()._choose_direction()
        return self.direction if self._wanted % 2 else None

    def transform(self, results: dict) -> dict:
        self._wanted = results.get(WANTED)
        results = super().transform(results)
        results[KEY] = 2 * results.get(KEY, 0) + bool(results['flip'])
        return results


class RecordedPack(PackInputs):
    """Of a pipeline without random transforms there is one view, 0."""

    def transform(self, results: dict) -> dict:
        results.setdefault(KEY, 0)
        return super().transform(results)


class CountedCrop(RandomResizedCrop):
    """One of ``views`` crops of an image, of the law of ``RandomResizedCrop``.

    Attributes:
        views: how many; which one is drawn as any random number of a pipeline.
        seed: other views come of another one.
    """

    views: int
    seed: int

    def transform(self, results: dict) -> dict:
        view = results.get(WANTED)
        if view is None:
            view = np.random.randint(self.views)
        results[KEY] = view
        with numbers_of(self.seed, results['sample_idx'], view, 0):
            return super().transform(results)


class CountedFlip(RandomFlip):
    """Mirrors a view always or never."""

    seed: int

    def transform(self, results: dict) -> dict:
        with numbers_of(self.seed, results['sample_idx'], results[KEY], 1):
            return super().transform(results)


@contextmanager
def numbers_of(*counter: int) -> Iterator[None]:
    """Within, NumPy's random numbers follow from these numbers and nothing else."""
    state = np.random.get_state()
    np.random.seed(np.random.SeedSequence(counter).generate_state(4))
    try:
        yield
    finally:
        np.random.set_state(state)
