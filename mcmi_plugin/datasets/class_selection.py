"""Some of the classes of a data set: zero-shot distillation drops the others."""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.subset import Subset
from mcmi_plugin.errors import UserError, some_of


def ids_of_classes(
    classes: Sequence[str | int], names: Sequence[str], key: str
) -> set[int]:
    """The ids of classes that are given by name or by id.

    Args:
        classes: names and ids, mixed at will; a string is always a name.
        names: of all classes, in the order of their ids.
        key: what the classes stand under, for the error.

    Raises:
        UserError: no such class; the line says which ones are closest.
    """
    if isinstance(classes, (str, int)):
        raise UserError(f'{key}={classes!r}: must be a list of classes')
    return {_class_id(entry, list(names), key) for entry in classes}


def _class_id(entry: str | int, names: list[str], key: str) -> int:
    if isinstance(entry, str) and entry in names:
        return names.index(entry)
    if isinstance(entry, int) and 0 <= entry < len(names):
        return entry
    if isinstance(entry, str):
        folded = {name.casefold(): name for name in names}
        # A low cutoff: a wrong suggestion costs less than none.
        close = difflib.get_close_matches(entry.casefold(), folded, 3, cutoff=0.4)
        hint = ', '.join(repr(folded[name]) for name in close)
        hint = (
            f'the closest ones are {hint}'
            if hint
            else f'they are {some_of([*map(repr, names)], 10)}'
        )
    else:
        hint = f'ids go from 0 to {len(names) - 1}'
    raise UserError(f'{key}: there is no class {entry!r}; {hint}')


def named_classes(dataset: Any) -> list[str]:
    """The classes that a data set says, in the order of their ids; [] of none."""
    return list(map(str, getattr(dataset, 'metainfo', {}).get('classes') or ()))


def class_names(dataset: Any, num_classes: int | None = None) -> list[str]:
    """Names of classes in the order of their ids, which stand for missing ones.

    Args:
        num_classes: how many names; by default as many as the data set has, or, where
            it has none, as its labels have ids.
    """
    names = named_classes(dataset)
    if num_classes is None:
        num_classes = len(names) or int(dataset.get_gt_labels().max()) + 1
    return names[:num_classes] + [str(c) for c in range(len(names), num_classes)]


@DATASETS.register_module()
class KeepClasses(Subset):
    """The samples of some classes. Labels keep their ids.

    Args:
        dataset: the inner data set or its config.
        classes: those to keep, by name or id.

    Raises:
        UserError: an unknown class, or no sample is left.
    """

    def __init__(self, dataset: Any, classes: Sequence[str | int]) -> None:
        super().__init__(dataset)
        kept = ids_of_classes(classes, class_names(self), 'KeepClasses: classes')
        self._keep(np.flatnonzero(np.isin(self._labels, list(kept))))
        if not len(self):
            raise UserError(
                f'KeepClasses: classes={list(classes)!r} leaves no sample; name '
                'classes that the data set has samples of'
            )


@DATASETS.register_module()
class DropClasses(Subset):
    """The samples of all classes but some (section 6.2). Labels keep their ids.

    Args:
        dataset: the inner data set or its config.
        classes: those to drop, by name or id.

    Raises:
        UserError: an unknown class, or no sample is left.
    """

    def __init__(self, dataset: Any, classes: Sequence[str | int]) -> None:
        super().__init__(dataset)
        names = class_names(self)
        dropped = ids_of_classes(classes, names, 'DropClasses: classes')
        self._keep(np.flatnonzero(~np.isin(self._labels, list(dropped))))
        if not len(self):
            raise UserError(
                f'DropClasses: classes drops {len(dropped)} of {len(names)} classes '
                'and no sample is left; drop fewer'
            )
