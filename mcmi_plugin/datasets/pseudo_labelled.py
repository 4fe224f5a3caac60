"""A training set of which only a part is labelled; a teacher labels the rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.class_fraction import fraction_of
from mcmi_plugin.datasets.indices import choice_of
from mcmi_plugin.datasets.subset import Subset
from mcmi_plugin.errors import UserError


@DATASETS.register_module()
class PseudoLabelled(Subset):
    """All samples, but the labels of a fraction of every class only.

    The others get the class that the run's teacher predicts (section A.9), from
    ``PseudoLabelHook``, before the first step. Until then asking for one of them
    is an error, so that no hidden label is ever used.

    The labelled samples are those of a ``ClassFraction`` with the same fraction,
    seed and ``index_file``, which is what the teacher is trained on::

        mcmi = dict(..., dataset=dict(type='ClassFraction', fraction=0.04, ...))

    Args:
        dataset: the inner data set or its config.
        labelled_fraction: of the samples of each class, above 0 and at most 1.
        seed: of the choice.
        index_file: as for ``ClassFraction``.

    Attributes:
        is_labelled: [N] bool.

    Raises:
        UserError: as ``ClassFraction``.
    """

    def __init__(
        self,
        dataset: Any,
        labelled_fraction: float,
        seed: int = 0,
        index_file: str | None = None,
    ) -> None:
        super().__init__(dataset)
        labelled = fraction_of(
            self, 'labelled_fraction', labelled_fraction, seed, index_file
        )
        self.is_labelled = np.zeros(len(self), bool)
        self.is_labelled[labelled] = True
        options = dict(labelled_fraction=labelled_fraction, seed=seed)
        self.choice = choice_of('pseudo-labels', self._labels, **options)
        self._given = self._labels
        self._labels = np.where(self.is_labelled, self._given, -1)

    def set_pseudo_labels(self, predicted: np.ndarray) -> float:
        """Give the samples without a label one.

        Args:
            predicted: [N] class ids; those of labelled samples are not looked at.

        Returns:
            Per cent of the new labels that are the hidden ones; NaN without any.
        """
        self._labels = np.where(self.is_labelled, self._given, predicted)
        hidden = ~self.is_labelled
        if not hidden.any():
            return float('nan')
        return 100 * float((self._labels == self._given)[hidden].mean())

    def get_subset(self, indices: Sequence[int]) -> Subset:
        """None: labels are given to all of its samples.

        Raises:
            UserError: always.
        """
        raise UserError(
            'PseudoLabelled: another wrapper takes a part of it; put PseudoLabelled '
            'around that one'
        )

    def get_gt_labels(self) -> np.ndarray:
        """[N] int64 class ids; -1 where there is none yet."""
        return super().get_gt_labels()

    def get_data_info(self, idx: int) -> dict:
        """The ``idx``-th sample before the pipeline.

        Raises:
            UserError: it has no label yet.
        """
        if self._labels[idx] < 0:
            raise UserError(
                'PseudoLabelled: a sample has no pseudo-label yet; add custom_hooks='
                "[dict(type='PseudoLabelHook')], and give the teacher stage labelled "
                "data of its own: mcmi.dataset=dict(type='ClassFraction', ...)"
            )
        return super().get_data_info(idx)
