"""Every figure in the tables of choosing.md and forms.md is one of docs/results."""

import re
from collections.abc import Iterator
from statistics import mean

import pytest
from conftest import PROJECT
from pages import tables_in
from results import gain, runs_of, values

MEASURES = {
    'teacher accuracy, %': ('teacher_accuracy', 2),
    'LL': ('teacher_ll', 3),
    'CMI': ('teacher_cmi', 3),
    'Pdist': ('teacher_pdist', 1),
}
CONTROL = 'lambda = 0'


def gain_shown(runs: list[dict], arm: str, cell: dict) -> str:
    """Against lambda = 0, paired by seed, with its standard error."""
    ours = values(runs, arm, 'student_accuracy', cell)
    control = values(runs, CONTROL, 'student_accuracy', cell)
    if arm == CONTROL:
        return f'({mean(control.values()):.2f} %)'
    assert len(ours) == 5
    words = gain(ours, control, 2)
    fell = values(runs, arm, 'collapsed', cell)
    return words + ' **fell**' * any(fell.values())


def expected(page: str, corner: str, column: str, arm: str, runs: list[dict]) -> str:
    if page == 'side_by_side':  # a table a set, a column a method
        return gain_shown(runs, arm, dict(set=corner, method=column))
    if corner == 'teacher':  # a column a set
        return gain_shown(runs, arm, dict(set=column))
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


def test_what_the_words_of_choosing_say():
    runs, text = runs_of('side_by_side'), (PROJECT / 'docs/choosing.md').read_text()
    words = ' '.join(text.split())
    words = words.split('On real images')[0]  # whose figures test_people_page.py reads
    # Gains are those of the tables.
    both = [*figures('choosing.md', 'side_by_side'), *figures('forms.md', 'forms')]
    said = set(re.findall(r'[+-]\d+\.\d\d \+- \d+\.\d\d', words))
    assert said <= {cell.replace(' **fell**', '') for *_, cell in both}

    def of(arm, method, measure='student_accuracy', where='synthetic, delta 1'):
        return values(runs, arm, measure, dict(set=where, method=method))

    def apart(one, other):
        return gain(one, other, 2)[1:]

    def gains(method):
        ours, control = of('MCMI', method), of(CONTROL, method)
        return {seed: ours[seed] - control[seed] for seed in ours}

    # Stacked with logit standardisation.
    assert f'{apart(gains("KD + LS"), gains("KD"))} more' in words
    assert f'{apart(of("MCMI", "KD + LS"), of("MLL", "KD"))} below plain KD' in words
    assert f'takes {apart(of("MLL", "KD + LS"), of("MLL", "KD"))} points' in words
    # The early-stopped teacher.
    methods = {run['grid']['method'] for run in runs}
    students = [mean(of('early-stopped', method).values()) for method in methods]
    assert f'{min(students):.1f} to {max(students):.1f} %' in words
    cmi = [
        mean(of(arm, 'KD', 'teacher_cmi').values()) for arm in ('early-stopped', 'MLL')
    ]
    assert '{:.3f} against {:.3f} nats'.format(*cmi) in words
    accuracy = of('early-stopped by CMI', 'KD', 'teacher_accuracy', 'digits')
    assert f'whose teacher has {mean(accuracy.values()):.1f} %' in words
    # The digits.
    digits = [c for s, _, arm, c in both if s == 'digits' and arm != CONTROL]
    sizes = sorted(float(cell.split()[0]) for cell in digits)
    assert f'gains more than {sizes[-1]:.2f} points' in words
    budgets = [
        cell
        for corner, _, arm, cell in both
        if corner == 'digits' and arm in ('budget 0.02', 'lower bound 0.02')
    ]
    worst = -min(float(cell.split()[0]) for cell in budgets)
    assert f'cost up to {worst:.2f}' in words
