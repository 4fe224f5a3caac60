"""Every figure of docs/replication.md is one of docs/results."""

import json
from collections.abc import Sequence

import pytest
from conftest import PROJECT
from exhibits import (
    DROPPED,
    STUDENTS,
    by_class,
    dropped_arms,
    dropped_row,
    dropped_words,
    named_dropped,
    students_row,
)
from pages import tables_in, words_of
from results import ANEW, PEOPLE, gain, people, runs_of

PAGE = PROJECT / 'docs/replication.md'
RESULTS = PROJECT / 'docs/results/public_resnets'
SPLITS = {'training': 'train', 'held out': 'val'}


@pytest.fixture(scope='module')
def teachers():
    return {
        n: json.loads((RESULTS / f'resnet{n}.json').read_text()) for n in (20, 32, 56)
    }


def listed(found, digits: int) -> str:
    return ', '.join(f'{value:.{digits}f}' for value in found)


def row(start: str) -> str:
    (line,) = (x for x in PAGE.read_text().splitlines() if x.startswith(f'| {start}'))
    return line


def test_the_table_of_teachers(teachers):
    for number, found in teachers.items():
        for words, split in SPLITS.items():
            of = found[split]
            assert row(f'ResNet-{number} | {words} |').endswith(
                f'| {of["accuracy"]:.1f} | {of["ll"]:.3f} | {of["cmi"]:.3f} |'
            )


@pytest.mark.parametrize(
    'exhibit, name', [('size and CMI', 'cmi'), ('size and LL', 'll')]
)
def test_the_size_of_a_teacher(exhibit, name, teachers):
    line = row(f'Fig. 5, {exhibit} |')
    for split in SPLITS.values():
        assert listed((found[split][name] for found in teachers.values()), 3) in line


def test_temperature_and_cmi(teachers):
    assert 'falls from T = 0.25 on, in all three' in row('Fig. 1,')
    for found in teachers.values():
        curve = [point['cmi'] for point in found['train']['temperatures']]
        assert found['train']['temperatures'][0]['temperature'] == 0.25
        assert curve == sorted(curve, reverse=True)


def test_against_people(teachers):
    people = [found['people'] for found in teachers.values()]
    for at in ('as_is', 'fitted'):
        assert listed((of[at]['kl'] for of in people), 2) in words_of(PAGE)
        distances = listed((of[at]['distance'] for of in people), 1)
        assert distances in words_of(PAGE)


LONG = 'MCMI, 10 epochs'


def against(
    arm: str, measure: str, digits: int, of: Sequence[str] = PEOPLE, last: str = ''
) -> str:
    """The control of the teachers of ten epochs has ``last`` in its name."""
    ours, control = people(arm, measure, of), people(f'lambda = 0{last}', measure, of)
    return gain(ours, {seed: control[seed] for seed in ours}, digits)


def of_both(measure: str, digits: int) -> str:
    """MCMI against lambda = 0, of the first and of the second teacher."""
    both = (against('MCMI', measure, digits, of) for of in (PEOPLE, ANEW))
    return '; '.join(both)


def of_ten_epochs(measure: str, digits: int) -> str:
    return against(LONG, measure, digits, last=', 10 epochs')


def test_what_lambda_does_to_the_teacher():
    assert {len(people('MCMI', 'teacher_ll', of)) for of in (PEOPLE, ANEW)} == {3}
    line = row('Table 7, what lambda adds to the CMI')
    assert f'| {of_both("teacher_cmi", 4)} | 3; 3 |' in line
    assert f'| {of_ten_epochs("teacher_cmi", 4)} | 1 |' in row('the same, after ten')
    line, found = row('Table 7, what lambda takes from the LL'), 'teacher_ll'
    after = of_ten_epochs(found, 4)
    assert f'| {of_both(found, 4)}; after ten epochs {after} | 3; 3; 1 |' in line


def test_the_claim_behind_the_method():
    line, kl = row('the claim behind the method'), 'teacher_people_kl'
    budget = against('budget 0.02', kl, 4)
    larger, warm = against('lambda = 0.5', kl, 4, ANEW), people('MLL', kl, ANEW)
    warm = gain(people('temperature 2', kl, ANEW), warm, 4)
    assert (
        f'{of_both(kl, 4)}; a budget {budget}, lambda 0.5 {larger}; after ten epochs '
        f'{of_ten_epochs(kl, 4)}. A temperature of 2 alone: {warm} |'
    ) in line


@pytest.mark.parametrize('key', STUDENTS, ids=' '.join)
def test_students(key):
    line = f'| {" | ".join([*key, *students_row(key)])} |'
    assert f'\n{line}\n' in PAGE.read_text()


def test_what_is_said_of_all_students():
    verdicts = [students_row(key)[6] for key in STUDENTS]
    several = [verdict for verdict in verdicts if verdict != 'n = 1']
    counts = [several.count(word) for word in ('holds', 'contrary', 'within noise')]
    words = 'comparisons with several seeds {} holds, {} is contrary and {} are within'
    assert f'Of {len(several)} {words.format(*counts)}' in words_of(PAGE)


def preserved(number: int, arm: str) -> dict[int, float]:
    """Accuracy on the classes that were shown, by seed."""
    return {
        run['seed']: run['values']['preserved_accuracy']
        for run in runs_of(DROPPED)
        if run['arm'] == arm and len(run['values']['confusion']['dropped']) == number
    }


def test_classes_that_the_student_was_never_shown():
    for number, arm in dropped_arms():
        cells = [str(number), arm, *dropped_row(number, arm)]
        assert f'\n| {" | ".join(cells)} |\n' in PAGE.read_text()
    assert dropped_words() in row('Table 9, Fig. 4,')
    first = [
        [sum(found) for found in zip(*map(named_dropped, runs_of(study)), strict=True)]
        for study in ('zero_shot_cifar10_one', 'zero_shot_cifar10')
    ]
    moved = [
        gain(*(preserved(number, arm) for arm in ('temperature 2', 'MLL')), 2)
        for number in (1, 5)
    ]
    words = 'by {} points against the MLL teacher, with five dropped by {}.'
    words = words.format(*moved)
    assert words in words_of(PAGE)
    words = '{} of {:,} with 1 dropped, {} of {:,} with 5'.format(*first[0], *first[1])
    assert words in words_of(PAGE)


def test_dropped_classes_of_the_larger_teacher():
    named = {
        (len(run['values']['confusion']['dropped']), run['arm']): named_dropped(run)
        for run in runs_of('zero_shot_cifar10_56')
    }
    for number in sorted({number for number, _ in named}):
        found = [named[number, arm] for arm in ('MLL', 'lambda = 0', 'MCMI')]
        words = '{}, {} and {}'.format(*(count for count, _ in found))
        assert f'{words} of {found[0][1]:,} with {number} dropped' in words_of(PAGE)


def test_class_by_class():
    number, words = by_class()
    assert f'| {words} | {number} |' in row('Table 8,')


def test_every_row_of_students_is_tested():
    (table,) = (t for t in tables_in(PAGE) if t[0][0] == 'part of each class, method')
    assert [tuple(cells[:2]) for cells in table[1:]] == list(STUDENTS)


def test_the_temperature_of_a_real_teacher_in_audit(teachers):
    curve = {p['temperature']: p['cmi'] for p in teachers[56]['train']['temperatures']}
    words = f'{curve[1.0]:.3f} nats at T = 1 and {curve[4.0]:.3f} at T = 4'
    assert words in words_of(PROJECT / 'docs/audit.md')


def test_the_output_space():
    first, second, third = (
        run['values']['teacher_cmi'] for run in runs_of('tsne_cifar10')
    )
    assert f'CMI of {first:.3f}, {second:.3f} and {third:.3f} nats' in row('Fig. 6,')


def test_temperature_and_cmi_of_a_teacher_that_knows_the_images():
    found = json.loads((RESULTS / 'resnet20_mll.json').read_text())['train']
    curve = {p['temperature']: p['cmi'] for p in found['temperatures']}
    shown = [curve[t] for t in (1, 2, 4, 8)]
    assert f'{listed(shown, 3)} nats at T = 1, 2, 4, 8' in row('the same, of a teacher')
    ahead = {t: cmi for t, cmi in curve.items() if t >= 1}
    assert max(ahead, key=ahead.__getitem__) == 2 and curve[0.25] > ahead[2]
    assert f'{curve[0.25]:.3f} at 0.25' in row('the same, of a teacher')


def test_eigen_cam():
    arms = [run['arm'] for run in runs_of('eigen_cam_cifar10')]
    assert arms == ['MLL', 'lambda = 0', 'MCMI']
    assert '(results/eigen_cam_cifar10/figure1_eigen_cam.png)' in row('Fig. 3,')
