"""Every figure of docs/people.md is one of docs/results."""

from collections.abc import Sequence
from statistics import mean, stdev

import numpy as np
from conftest import PROJECT
from pages import tables_in, words_of
from results import (
    ANEW,
    PEOPLE,
    difference,
    gain,
    people,
    people_arms,
    runs_of,
    spread,
)

PAGE = PROJECT / 'docs/people.md'
CONTROLS = {
    'MCMI': 'lambda = 0',
    'lambda = 0.05': 'lambda = 0',
    'lambda = 0.5': 'lambda = 0',
    'budget 0.02': 'lambda = 0',
    'MCMI, 10 epochs': 'lambda = 0, 10 epochs',
    'temperature 2': 'MLL',
    'stopped halfway': 'MLL',
}
TABLES = {
    'teacher': {
        'KL': ('teacher_people_kl', 3),
        'KL at T': ('teacher_people_kl_fitted', 3),
        'distance': ('teacher_people_distance', 1),
        'distance at T': ('teacher_people_distance_fitted', 1),
    },
    'of the teacher': {
        'LL': ('teacher_ll', 3),
        'CMI': ('teacher_cmi', 3),
        'T': ('teacher_people_temperature', 2),
        'accuracy, %': ('teacher_accuracy', 2),
    },
    'student of': {
        'KL': ('student_people_kl', 3),
        'KL at T': ('student_people_kl_fitted', 3),
        'distance': ('student_people_distance', 1),
        'accuracy, %': ('student_accuracy', 2),
    },
    'made anew': {
        'LL': ('teacher_ll', 3),
        'CMI': ('teacher_cmi', 3),
        'KL': ('teacher_people_kl', 3),
        'KL at T': ('teacher_people_kl_fitted', 3),
        'student, %': ('student_accuracy', 2),
    },
}
AGAINST = ', against its control'
BOTH = PEOPLE, ANEW


def shown(
    arm: str, column: str, columns: dict[str, tuple[str, int]], of: Sequence[str]
) -> str:
    if column == 'n':
        return str(len(people(arm, 'teacher_people_kl', of)))
    name = column.removesuffix(AGAINST)
    measure, digits = columns[name]
    if name == column:
        return spread(people(arm, measure, of).values(), digits)
    finer = digits + ('%' not in name)  # per cent to two places is fine enough
    return gained(arm, measure, finer, of) if arm in CONTROLS else ''


def pairs(
    arm: str, measure: str, of: Sequence[str] = PEOPLE
) -> tuple[dict[int, float], dict[int, float]]:
    """Its own and its control's, of the seeds that it has."""
    ours, control = people(arm, measure, of), people(CONTROLS[arm], measure, of)
    return ours, {seed: control[seed] for seed in ours}


def gained(arm: str, measure: str, digits: int, of: Sequence[str] = PEOPLE) -> str:
    return gain(*pairs(arm, measure, of), digits)


def test_each_figure_of_the_tables_is_that_of_its_runs():
    found = tables_in(PAGE)
    assert [table[0][0] for table in found] == list(TABLES)
    for (corner, *columns), *rows in found:
        of = ANEW if corner == 'made anew' else PEOPLE
        assert {arm for arm, *_ in rows} == people_arms(of)
        for arm, *cells in rows:
            for column, cell in zip(columns, cells, strict=True):
                assert cell == shown(arm, column, TABLES[corner], of), (arm, column)


RAISED = ('MCMI', 'budget 0.02', 'MCMI, 10 epochs')  # the CMI of the teacher


def test_what_raised_the_cmi_took_the_teacher_away_from_people():
    for arm in RAISED:
        for measure in ('cmi', 'people_kl', 'people_kl_fitted'):
            assert min(difference(*pairs(arm, f'teacher_{measure}'))) > 0, (
                arm,
                measure,
            )
    first, budget, long = (gained(arm, 'teacher_people_kl', 4) for arm in RAISED)
    assert f'by {first} nats (MCMI), {budget} (budget) and {long} (' in words_of(PAGE)
    found = [(PEOPLE, arm) for arm in RAISED]
    found += [(ANEW, arm) for arm in ('lambda = 0.05', 'MCMI', 'lambda = 0.5')]
    rises = {
        (of, arm): [
            mean(difference(*pairs(arm, f'teacher_{measure}', of)))
            for measure in ('cmi', 'people_kl')
        ]
        for of, arm in found
    }
    small = {arm for (_, arm), (cmi, _) in rises.items() if cmi <= 0.001}
    assert small == {'lambda = 0.05'}
    away = [kl for cmi, kl in rises.values() if cmi > 0.001]
    said = 'more than 0.001 nats came out farther from people than its control, by '
    said += f'{min(away):.3f} to {max(away):.3f} nats of KL'
    assert said in words_of(PROJECT / 'docs/idea.md')


def test_the_other_distance_says_the_same_but_for_once():
    by = {arm: difference(*pairs(arm, 'teacher_people_distance')) for arm in RAISED}
    nearer, *others = by.values()
    assert max(nearer) < 0 < min(min(one) for one in others)
    of = mean(people('MCMI', 'teacher_people_distance').values())
    assert f'is nearer by {-mean(nearer):.2f} of {of:.1f}' in words_of(PAGE)


def mean_of(arm: str, measure: str) -> float:
    return mean(people(arm, measure).values())


def test_what_came_nearest_to_people():
    nearest = [
        min(people_arms(), key=lambda arm: mean_of(arm, f'teacher_people_{name}'))  # noqa: B023
        for name in ('kl', 'kl_fitted', 'distance', 'distance_fitted')
    ]
    assert nearest == ['MLL', *3 * ['lambda = 0, 10 epochs']]
    least = min(people_arms(), key=lambda arm: mean_of(arm, 'teacher_cmi'))
    assert least == nearest[1]


def test_what_a_temperature_does():
    page = words_of(PAGE)
    kl, fitted, distance, softer = (
        [mean_of(arm, f'teacher_people_{name}') for arm in sorted(people_arms())]
        for name in ('kl', 'kl_fitted', 'distance', 'distance_fitted')
    )
    gains = [a - b for a, b in zip(kl, fitted, strict=True)]
    assert f'{min(gains):.2f} to {max(gains):.2f} nats from each of these' in page
    assert f'no two are more than {max(kl) - min(kl):.3f} apart' in page
    assert all(a < b for a, b in zip(distance, softer, strict=True))


def test_what_lambda_did():
    page = words_of(PAGE)
    first, budget, long = (mean(difference(*pairs(a, 'teacher_cmi'))) for a in RAISED)
    paid = -mean(difference(*pairs('budget 0.02', 'teacher_ll')))
    assert (
        f'its CMI is {first:.3f} nats above that of lambda = 0 after two epochs and '
        f'{long:.3f} after ten'
    ) in page
    assert f'A budget moves it by {budget:.3f} nats, for {paid:.3f} nats of LL' in page
    shares = [
        f'{100 * rise / mean_of(CONTROLS[arm], "teacher_cmi"):.0f}'
        for arm, rise in (('MCMI', first), ('MCMI, 10 epochs', long))
    ]
    said = f'raised the CMI by {" and ".join(shares)} %'
    assert said in words_of(PROJECT / 'docs/forms.md')


LL_AND_CMI = ('teacher_ll', 'teacher_cmi')


def test_all_teachers_lie_on_one_line():
    assert 'close to one falling line' in words_of(PAGE)
    runs = runs_of('people_one_seed')
    figures = ([run['values'][name] for run in runs] for name in LL_AND_CMI)
    assert np.corrcoef(*figures)[0, 1] < -0.98


def test_what_is_said_of_the_students():
    page = words_of(PAGE)
    first, budget, long = (gained(arm, 'student_accuracy', 2) for arm in RAISED)
    assert f'{first} points (MCMI), {budget} (budget) and {long} (' in page
    mcmi, zero, mll = (
        people(arm, 'student_accuracy') for arm in ('MCMI', 'lambda = 0', 'MLL')
    )
    assert f'MCMI gains {gain(mcmi, mll, 2)} points.' in page
    assert f'without it gains {gain(zero, mll, 2)}:' in page
    n = len(people('MCMI', 'student_accuracy'))
    assert (
        f'{first} points by KD after two epochs (n = {n}), a budget {budget}, and '
        f'{long} after ten'
    ) in words_of(PROJECT / 'docs/choosing.md')


def anew(arm: str, measure: str, digits: int) -> str:
    return gained(arm, measure, digits, ANEW)


def test_what_is_said_of_the_teacher_made_anew():
    page = words_of(PAGE)
    lls = [mean(people('MLL', 'teacher_ll', of).values()) for of in (ANEW, PEOPLE)]
    assert 'its LL is {:.4f} nats where it was {:.4f}'.format(*lls) in page
    larger, kl = anew('lambda = 0.5', 'teacher_cmi', 4), 'teacher_people_kl'
    away = anew('lambda = 0.5', kl, 4)
    assert f'raised the CMI by {larger} nats and took' in page
    assert f'away from people by {away}.' in page
    least = anew('lambda = 0.05', kl, 4)
    assert f'0.05 moved the CMI by {anew("lambda = 0.05", "teacher_cmi", 4)}, ' in page
    assert f'distance to people by {least}, which is within noise' in page
    arms = 'lambda = 0.5', 'MCMI', 'lambda = 0.05'
    students = (anew(a, 'student_accuracy', 2) for a in arms)
    words = 'lambda 0.5 have {} points, of 0.25 {}, of 0.05 {}: no'
    assert words.format(*students) in page
    within = [(arm, 'student_accuracy') for arm in arms] + [('lambda = 0.05', kl)]
    for arm, measure in within:
        found = difference(*pairs(arm, measure, ANEW))
        assert abs(mean(found)) < 2 * stdev(found) / len(found) ** 0.5


def test_what_is_said_of_the_teachers_that_cost_nothing():
    page = words_of(PAGE)
    warm, half = 'temperature 2', 'stopped halfway'
    assert f'nearer to people, {anew(warm, "teacher_people_kl", 3)} nats' in page
    assert f'its students too, {anew(warm, "student_people_kl", 3)}, ' in page
    assert f'of {anew(warm, "student_accuracy", 2)} points' in page
    cmi = {a: mean(people(a, 'teacher_cmi', ANEW).values()) for a in people_arms(ANEW)}
    assert max(cmi, key=cmi.__getitem__) == half and 'the most CMI of all' in page
    assert f'farther from people, {anew(half, "teacher_people_kl", 3)} nats' in page
    assert f'students have {anew(half, "student_accuracy", 2)} points' in page
    zero, mll = (people(a, 'student_accuracy', ANEW) for a in ('lambda = 0', 'MLL'))
    first = (people(a, 'student_accuracy') for a in ('lambda = 0', 'MLL'))
    assert f'of lambda = 0 have {gain(zero, mll, 2)} points here' in page
    mcmi = gain(people('MCMI', 'student_accuracy', ANEW), mll, 2)
    assert f'{gain(*first, 2)} of the first; those of MCMI {mcmi} here' in page


def accuracy_against(other: str, arm: str, of: Sequence[str]) -> str:
    return gain(*(people(a, 'student_accuracy', of) for a in (arm, other)), 2)


def test_the_first_pages_say_the_same():
    kl = {arm: people(arm, 'teacher_people_kl') for arm in people_arms()}
    fitted = people('lambda = 0', 'teacher_people_kl_fitted')
    nearer = -mean(difference(fitted, kl['lambda = 0']))
    readme = words_of(PROJECT / 'README.md')
    for title, arm, other in (
        ("MCMI by the paper's lambda, 0.25", 'MCMI', 'MLL'),
        ('the same fine-tune, lambda = 0', 'lambda = 0', 'MLL'),
        ('so the CMI itself adds', 'MCMI', 'lambda = 0'),
    ):
        cells = ' | '.join(accuracy_against(other, arm, of) for of in BOTH)
        assert f'| {title} | {cells} |' in readme
    for words in (
        f'of the MLL teacher, n = {len(fitted)}:',
        f'away from them by {gained("MCMI", "teacher_people_kl", 4)} nats of KL, a '
        f'budget by {gained("budget 0.02", "teacher_people_kl", 4)}, and a temperature '
        f'alone brought it nearer by {nearer:.2f} (',
    ):
        assert words in readme, words
    audit = words_of(PROJECT / 'docs/audit.md')
    assert f'stood at {-mean_of("MLL", "teacher_ll"):.3f} nats' in audit
    choosing = words_of(PROJECT / 'docs/choosing.md')
    assert f'(LL {mean_of("lambda = 0", "teacher_ll"):.3f} nats' in choosing
