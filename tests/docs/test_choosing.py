"""Every figure in the tables of choosing.md and forms.md is one of docs/results."""

import json
import re
from collections.abc import Iterator
from statistics import mean, stdev

import pytest
from conftest import PROJECT
from pages import tables_in

MEASURES = {
    'teacher accuracy, %': ('teacher_accuracy', 2),
    'LL': ('teacher_ll', 3),
    'CMI': ('teacher_cmi', 3),
    'Pdist': ('teacher_pdist', 1),
}
CONTROL = 'lambda = 0'


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


def gain(runs: list[dict], arm: str, cell: dict) -> str:
    """Against lambda = 0, paired by seed, with its standard error."""
    ours = values(runs, arm, 'student_accuracy', cell)
    control = values(runs, CONTROL, 'student_accuracy', cell)
    if arm == CONTROL:
        return f'({mean(control.values()):.2f} %)'
    assert ours.keys() == control.keys() and len(ours) == 5
    apart = [ours[seed] - control[seed] for seed in ours]
    words = f'{mean(apart):+.2f} +- {stdev(apart) / len(apart) ** 0.5:.2f}'
    fell = values(runs, arm, 'collapsed', cell)
    return words + ' **fell**' * any(fell.values())


def expected(page: str, corner: str, column: str, arm: str, runs: list[dict]) -> str:
    if page == 'side_by_side':  # a table a set, a column a method
        return gain(runs, arm, dict(set=corner, method=column))
    if corner == 'teacher':  # a column a set
        return gain(runs, arm, dict(set=column))
    measure, digits = MEASURES[column]
    return f'{mean(values(runs, arm, measure, dict(set=corner)).values()):.{digits}f}'


def figures(page: str, study: str) -> Iterator[tuple[str, str, str, str]]:
    """Corner, column, row and cell of each figure in a page's tables."""
    sets = {run['grid']['set'] for run in runs_of(study)}
    for (corner, *columns), *rows in tables_in(PROJECT / 'docs' / page):
        if corner not in {'teacher', *sets}:
            continue
        for arm, *cells in rows:
            for column, cell in zip(columns, cells, strict=True):
                yield corner, column, arm, cell


@pytest.mark.parametrize(
    ('page', 'study', 'least'),
    [('forms.md', 'forms', 75), ('choosing.md', 'side_by_side', 110)],
)
def test_each_is_that_of_its_runs(page, study, least):
    found, runs = list(figures(page, study)), runs_of(study)
    assert len(found) >= least
    for corner, column, arm, cell in found:
        assert cell == expected(study, corner, column, arm, runs), (corner, column, arm)


def test_a_figure_in_the_words_is_one_of_the_tables():
    """Gains that choosing.md names in a sentence, as ``+1.30 +- 0.23``."""
    text = (PROJECT / 'docs/choosing.md').read_text()
    words = '\n'.join(x for x in text.splitlines() if not x.startswith('|'))
    said = set(re.findall(r'[+-]\d+\.\d\d \+- \d+\.\d\d', words))
    both = [*figures('choosing.md', 'side_by_side'), *figures('forms.md', 'forms')]
    assert said and said <= {cell for *_, cell in both}
