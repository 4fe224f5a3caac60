"""A training set in two: one part to train on, one to choose and stop by."""

from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.class_selection import class_names
from mcmi_plugin.datasets.indices import choice_of, saved_or_chosen
from mcmi_plugin.datasets.stratified import (
    check_no_class_empty,
    check_options,
    share,
    stratified,
)
from mcmi_plugin.datasets.subset import Subset
from mcmi_plugin.errors import UserError


@DATASETS.register_module()
class HoldOut(Subset):
    """One of the two parts of a training set, split class by class.

    lambda, temperature and the epoch to stop at are chosen on the part held out,
    never on the test set. A config names the same data set twice, with the same
    options but ``part``.

    Args:
        dataset: the inner data set or its config.
        fraction: of the samples of each class to hold out, above 0 and below 1.
        part: ``'train'`` or ``'held_out'``.
        seed: of the split.
        index_file: JSON file that the indices held out are saved in, for both
            parts; where it is there already, they are read from it and checked.

    Raises:
        UserError: an option out of its range, a class is left without a sample in
            one of the parts, or ``index_file`` holds another split.
    """

    def __init__(
        self,
        dataset: Any,
        fraction: float,
        part: str = 'train',
        seed: int = 0,
        index_file: str | None = None,
    ) -> None:
        if part not in ('train', 'held_out'):
            raise UserError(f"HoldOut: part={part!r}; it has 'train' and 'held_out'")
        super().__init__(dataset)
        labels = self._labels
        key = 'HoldOut: fraction'
        check_options(key, fraction, seed)
        check_no_class_empty(labels, fraction, class_names(self), key)
        self._check_train_part(fraction, key)
        choice = choice_of('held out', labels, fraction=fraction, seed=seed)
        # From the end: a ClassFraction of the same data set takes from the start.
        held_out = saved_or_chosen(
            index_file,
            choice,
            lambda: stratified(labels, fraction, seed, from_end=True),
        )
        if part == 'train':
            self._keep(np.setdiff1d(np.arange(len(labels)), held_out))
        else:
            self._keep(held_out)

    def _check_train_part(self, fraction: float, key: str) -> None:
        ids, counts = np.unique(self._labels, return_counts=True)
        for label, count in zip(ids, counts, strict=True):
            if share(int(count), fraction) == count:
                raise UserError(
                    f'{key}={fraction:g} holds out all {count} samples of class '
                    f'{class_names(self)[label]!r}; take a smaller one'
                )
