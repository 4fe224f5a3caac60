"""The runs in docs/results, and their figures as the pages print them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isclose
from statistics import mean, stdev

from conftest import PROJECT


def runs_of(study: str) -> list[dict]:
    text = (PROJECT / f'docs/results/{study}/results.json').read_text()
    return json.loads(text)['results']


def values(runs: list[dict], arm: str, measure: str, cell: dict) -> dict[int, float]:
    """By seed."""
    return {
        run['seed']: run['values'][measure]
        for run in runs
        if run['arm'] == arm and run['grid'] == cell
    }


def spread(found: Iterable[float], digits: int) -> str:
    """``68.88 +- 0.11``, of one value, or of one that is always the same, without."""
    found = list(found)
    words = f'{mean(found):.{digits}f}'
    same = isclose(min(found), max(found), rel_tol=1e-4)
    return words if same else f'{words} +- {stdev(found):.{digits}f}'


def difference(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """Seed by seed; both have the same ones."""
    assert one.keys() == other.keys()
    return [one[seed] - other[seed] for seed in one]


def gain(one: Mapping[int, float], other: Mapping[int, float], digits: int) -> str:
    """``+0.31 +- 0.08``, the mean of paired differences and its standard error.

    Without, of one, or where it is always the same.
    """
    found = difference(one, other)
    words = f'{mean(found):+.{digits}f}'
    if isclose(min(found), max(found), rel_tol=1e-4, abs_tol=1e-9):
        return words
    return f'{words} +- {stdev(found) / len(found) ** 0.5:.{digits}f}'


# Teachers against people: what has been run of several seeds, and of one; and of an
# MLL teacher that was made anew.
PEOPLE = ('people', 'people_one_seed')
ANEW = ('people_again',)


def people(arm: str, measure: str, of: Sequence[str] = PEOPLE) -> dict[int, float]:
    """By seed, of the study that has more of them."""
    found = (values(runs_of(study), arm, measure, {}) for study in of)
    return max(found, key=len)


def people_arms(of: Sequence[str] = PEOPLE) -> set[str]:
    return {run['arm'] for study in of for run in runs_of(study)}
