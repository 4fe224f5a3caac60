"""A part of every class: few-shot distillation."""

from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.class_selection import class_names
from mcmi_plugin.datasets.indices import choice_of, saved_or_chosen
from mcmi_plugin.datasets.stratified import (
    check_no_class_empty,
    check_options,
    stratified,
)
from mcmi_plugin.datasets.subset import Subset


@DATASETS.register_module()
class ClassFraction(Subset):
    """The same fraction of the samples of every class (section 6.3).

    Which samples depends on the labels and ``seed`` alone, so that all arms of a
    study have the same ones; those of a smaller fraction are among those of a
    larger one.

    Args:
        dataset: the inner data set or its config.
        fraction: of the samples of each class, above 0 and at most 1.
        seed: of the choice.
        index_file: JSON file that the chosen indices are saved in; where it is
            there already, they are read from it and checked.

    Raises:
        UserError: an option out of its range, a class is left without a sample,
            or ``index_file`` holds another choice.
    """

    def __init__(
        self,
        dataset: Any,
        fraction: float,
        seed: int = 0,
        index_file: str | None = None,
    ) -> None:
        super().__init__(dataset)
        self._keep(fraction_of(self, 'fraction', fraction, seed, index_file))


def fraction_of(
    dataset: Subset, option: str, fraction: float, seed: int, index_file: str | None
) -> np.ndarray:
    """Indices of a fraction of every class, checked and saved.

    Args:
        dataset: a wrapper that keeps all samples as yet.
        option: the name of its option that ``fraction`` is.

    Other arguments and errors are those of :class:`ClassFraction`.
    """
    key = f'{type(dataset).__name__}: {option}'
    labels = dataset.get_gt_labels()
    check_options(key, fraction, seed)
    check_no_class_empty(labels, fraction, class_names(dataset), key)
    kind = 'fraction of each class'
    choice = choice_of(kind, labels, fraction=fraction, seed=seed)
    return saved_or_chosen(
        index_file, choice, lambda: stratified(labels, fraction, seed)
    )
