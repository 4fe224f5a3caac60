"""What the wrappers share: some samples of another data set, maybe relabelled."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError


def unwrapped(dataset: Any) -> Iterator[Any]:
    """A data set and those it wraps, from the outside."""
    while dataset is not None:
        yield dataset
        dataset = getattr(dataset, 'dataset', None)


def pipeline_of(dataset: Any) -> Any:
    """The pipeline that its samples go through, None without one."""
    for part in unwrapped(dataset):
        if hasattr(part, 'pipeline'):
            return part.pipeline
    return None


def labels_of(dataset: Any) -> Any:
    """``gt_label`` of every sample, without its image."""
    if hasattr(dataset, 'get_gt_labels'):
        return dataset.get_gt_labels()
    return [dataset.get_data_info(i)['gt_label'] for i in range(len(dataset))]


class Subset:
    """Samples of an inner data set, by their indices.

    It does for a Runner, for MMRazor's ``CRDDataset`` and for another wrapper
    what mmpretrain's ``BaseDataset`` does. ``sample_idx`` counts in the wrapper,
    because memory banks of samples are as long as it is.

    Args:
        dataset: the inner data set or its config: any of mmpretrain's with one
            ``gt_label`` per sample, or another wrapper.

    Attributes:
        dataset: the inner data set.
        pipeline: its transforms.
        metainfo: its meta information; ``classes`` are those that labels count in.
        indices: [N] int64, of the samples in the inner data set.

    Raises:
        UserError: the inner data set has no pipeline of its own, or no or several
            labels per sample.
    """

    def __init__(self, dataset: Any) -> None:
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        if not hasattr(dataset, 'pipeline'):
            raise UserError(
                f'{self._name}: {type(dataset).__name__} has no pipeline of its own; '
                f'wrap the data sets in it instead, dataset=dict(type={self._name!r})'
            )
        dataset.full_init()
        self.dataset = dataset
        self.metainfo = copy.deepcopy(getattr(dataset, 'metainfo', {}))
        self.pipeline = dataset.pipeline
        self.test_mode = getattr(dataset, 'test_mode', False)
        self.max_refetch = getattr(dataset, 'max_refetch', 0)
        self._labels = self._inner_labels()
        self.indices = np.arange(len(self._labels))

    def _inner_labels(self) -> np.ndarray:
        try:
            labels = np.asarray(labels_of(self.dataset))
        except (KeyError, ValueError):  # no label; lists of different lengths
            labels = np.empty(0)
        if labels.ndim != 1 or labels.dtype.kind not in 'iu':
            raise UserError(
                f'{self._name}: {type(self.dataset).__name__} has not one gt_label per '
                'sample; wrap a data set with one class id per sample'
            )
        return labels.astype(np.int64)

    def _keep(self, indices: np.ndarray) -> None:
        self.indices = np.asarray(indices, np.int64)
        self._labels = self._labels[self.indices]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def get_subset(self, indices: Sequence[int]) -> 'Subset':
        """Some of its samples, as ``KFoldDataset`` asks."""
        part = copy.copy(self)
        part.indices, part._labels = self.indices[indices], self._labels[indices]
        return part

    def full_init(self) -> None:
        """Nothing: all is read and checked when the wrapper is built."""

    def get_gt_labels(self) -> np.ndarray:
        """[N] int64 class ids."""
        return self._labels.copy()

    def get_cat_ids(self, idx: int) -> list[int]:
        """The class of the ``idx``-th sample, as ``ClassBalancedDataset`` asks."""
        return [int(self._labels[idx])]

    def get_data_info(self, idx: int) -> dict:
        """The ``idx``-th sample before the pipeline."""
        info = self.dataset.get_data_info(int(self.indices[idx]))
        info['gt_label'] = int(self._labels[idx])
        info['sample_idx'] = int(idx) % len(self)
        return info

    def __getitem__(self, idx: int) -> dict:
        """A sample; of those that a transform drops another one, drawn anew.

        As mmengine's ``BaseDataset`` does, by the same random numbers.

        Raises:
            UserError: it is of a test, or too many in a row are dropped.
        """
        sample, place = self.pipeline(self.get_data_info(idx)), idx
        for _ in range(0 if self.test_mode else self.max_refetch):
            if sample is not None:
                break
            place = np.random.randint(0, len(self))
            sample = self.pipeline(self.get_data_info(place))
        if sample is None:
            raise UserError(
                f'{self._name}: a transform of the pipeline drops sample {place} of '
                f'{type(self.dataset).__name__}; take the transform out, or the sample'
            )
        return sample

    def __len__(self) -> int:
        return len(self.indices)
