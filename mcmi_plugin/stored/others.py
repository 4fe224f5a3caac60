"""Other teachers that a student learns from as well, by their stores alone."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from mcmi_plugin.errors import UserError
from mcmi_plugin.stored.folder import read_classifier, read_table
from mcmi_plugin.stored.identity import SAME


def logits_of(
    place: Path, of_it: dict, classes: int
) -> Callable[[Tensor, Tensor], Tensor]:
    """``(images [B], views [B]) -> [B, C] float32`` of a store that has every row.

    Args:
        place: its folder.
        of_it: identity of the store that it is beside.
        classes: C, of that one.

    Raises:
        UserError: it is of other images or classes, or lacks rows.
    """
    table, theirs = read_table(place)
    wrong = [key for key in SAME if theirs.get(key) != of_it[key]]
    if wrong:
        raise UserError(
            f'teacher_store.mean: {place} is of other images ({", ".join(wrong)}); '
            'name stores of the same data and pipeline'
        )
    classifier = read_classifier(place, theirs)
    found = theirs['width'] if classifier is None else classifier.out_features
    if found != classes:
        raise UserError(
            f'teacher_store.mean: {place} is of {found} classes, not {classes}; name '
            'stores of teachers of the same classes'
        )
    _require(table.count(), table.num_rows, place)

    @torch.no_grad()
    def logits(images: Tensor, views: Tensor) -> Tensor:
        values, there = table.rows(images, views)
        _require(int(there.sum()), len(there), place)
        return values if classifier is None else classifier(values)

    return logits


def _require(there: int, of: int, place: Path) -> None:
    if there < of:
        raise UserError(
            f'teacher_store.mean: {place} has {there} of {of} rows; fill it first: '
            'tools/store_teacher.py'
        )
