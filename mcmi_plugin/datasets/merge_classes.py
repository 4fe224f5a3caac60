"""Several classes as one: the binary tasks of section A.13."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.class_selection import class_names, ids_of_classes
from mcmi_plugin.datasets.subset import Subset
from mcmi_plugin.errors import UserError


@DATASETS.register_module()
class MergeClasses(Subset):
    """New classes, each made of one or more old ones; others are left out.

    The labels count in ``groups``, in its order::

        dict(type='MergeClasses', dataset=..., groups=dict(
            animal=['bird', 'cat'], vehicle=['ship', 'truck']))

    Args:
        dataset: the inner data set or its config.
        groups: the old classes, by name or id, of each new class.

    Raises:
        UserError: an unknown class, one in two groups, or a group without a
            sample.
    """

    def __init__(self, dataset: Any, groups: Mapping[str, Sequence[str | int]]) -> None:
        super().__init__(dataset)
        names = class_names(self)
        new_ids = np.full(len(names), -1)
        for new, (group, members) in enumerate(groups.items()):
            key = f'MergeClasses: groups.{group}'
            ids = sorted(ids_of_classes(members, names, key))
            taken = [names[i] for i in ids if new_ids[i] >= 0]
            if taken:
                raise UserError(f'{key}: {taken[0]!r} is in another group already')
            new_ids[ids] = new
            if not np.isin(self._labels, ids).any():
                raise UserError(
                    f'{key}={list(members)!r} has no sample; name classes that the '
                    'data set has samples of'
                )
        if not groups:
            raise UserError('MergeClasses: groups is empty; name the new classes')
        self._labels = new_ids[self._labels]
        self._keep(np.flatnonzero(self._labels >= 0))
        self.metainfo['classes'] = tuple(map(str, groups))
