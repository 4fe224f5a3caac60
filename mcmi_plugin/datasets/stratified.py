"""The same share of every class, by chance but always the same."""

import math

import numpy as np

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import is_finite, is_whole_number


def stratified(
    labels: np.ndarray, fraction: float, seed: int, from_end: bool = False
) -> np.ndarray:
    """Indices of a share of every class, ascending.

    Every class is shuffled by itself and its first samples are taken. So a
    smaller share is part of a larger one, and a share from the start and one
    from the end have nothing in common unless they sum to more than 1. The
    generator is NumPy's ``RandomState``, whose stream is the same in every
    version.

    Args:
        labels: [N] integer class ids.
        fraction: of the samples of each class, rounded to whole samples.
        seed: of the shuffle.
        from_end: take the last samples of the shuffled class.
    """
    chosen = [np.empty(0, np.int64)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = np.random.RandomState([seed, label]).permutation(members)
        if from_end:
            members = members[::-1]
        chosen.append(members[: share(len(members), fraction)])
    return np.sort(np.concatenate(chosen))


def share(number: int, fraction: float) -> int:
    """``fraction`` of ``number``, rounded, halves upwards."""
    return math.floor(number * fraction + 0.5)


def check_options(key: str, fraction: float, seed: int) -> None:
    """A fraction above 0 and at most 1, a seed that NumPy takes.

    Raises:
        UserError: they are not.
    """
    if not is_finite(fraction) or not 0 < fraction <= 1:
        raise UserError(f'{key}={fraction!r}: must be above 0 and at most 1')
    if not is_whole_number(seed, 0) or seed >= 2**32:
        raise UserError(
            f'{key.split(":")[0]}: seed={seed!r}: must be a whole number from 0 on'
        )


def check_no_class_empty(
    labels: np.ndarray, fraction: float, names: list[str], key: str
) -> None:
    """A share has a sample of every class that has one.

    Raises:
        UserError: it has not; the line names the class and the smallest fraction
            that would do for all of them.
    """
    ids, counts = np.unique(labels, return_counts=True)
    label, fewest = ids[counts.argmin()], int(counts.min())
    if share(fewest, fraction) == 0:
        smallest = math.ceil(0.5 / fewest * 1e6) / 1e6
        raise UserError(
            f'{key}={fraction:g} leaves no sample of class {names[label]!r}, which has '
            f'{fewest}; the smallest fraction that would do is {smallest:g}'
        )
