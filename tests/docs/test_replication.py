"""Every figure of docs/replication.md is one of docs/results."""

import json
from statistics import mean, stdev

import numpy as np
import pytest
from conftest import PROJECT
from pages import words_of
from results import ANEW, difference, gain, people, people_arms, runs_of, spread, values

PAGE = PROJECT / 'docs/replication.md'
RESULTS = PROJECT / 'docs/results/public_resnets'
SPLITS = {'training': 'train', 'held out': 'val'}


@pytest.fixture(scope='module')
def teachers():
    return {
        n: json.loads((RESULTS / f'resnet{n}.json').read_text()) for n in (20, 32, 56)
    }


def listed(values, digits: int) -> str:
    return ', '.join(f'{value:.{digits}f}' for value in values)


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
    line = row('the claim behind the method')
    for at in ('as_is', 'fitted'):
        assert listed((of[at]['kl'] for of in people), 2) in line
        distances = listed((of[at]['distance'] for of in people), 1)
        assert distances in words_of(PAGE)


PAIRS = (('lambda = 0', 'MCMI'), ('lambda = 0, 10 epochs', 'MCMI, 10 epochs'))


def both(pair: tuple[str, str], measure: str, digits: int) -> str:
    return ' and '.join(spread(people(arm, measure).values(), digits) for arm in pair)


def against(other: str, arm: str, measure: str, digits: int) -> str:
    ours, control = people(arm, measure), people(other, measure)
    return gain(ours, {seed: control[seed] for seed in ours}, digits)


def test_lambda_and_what_it_did():
    line, students = row('Table 7, lambda and CMI'), row('Table 7, lambda and the stud')
    assert f'(n = {len(people("MCMI", "teacher_cmi"))})' in line
    for pair in PAIRS:
        assert both(pair, 'teacher_cmi', 3) in line
        assert f'LL {both(pair, "teacher_ll", 3)}' in line
        assert both(pair, 'student_accuracy', 2) in students
        assert f'({against(*pair, "student_accuracy", 2)}' in students


def test_a_tenth_of_every_class():
    mcmi, zero = (
        against('MLL', arm, 'student_accuracy', 2) for arm in ('MCMI', 'lambda = 0')
    )
    line = row('Table 3, a tenth')
    assert f'{mcmi} points, but lambda = 0 {zero} (n = 3)' in line
    mll = people('MLL', 'student_accuracy', ANEW)
    mcmi, zero = (
        gain(people(arm, 'student_accuracy', ANEW), mll, 2)
        for arm in ('MCMI', 'lambda = 0')
    )
    assert f'made anew {mcmi} and {zero} (n = 3)' in line


def test_the_claim_behind_the_method():
    line, measure = row('the claim behind the method'), 'teacher_people_kl'
    zero = spread(people('lambda = 0', measure).values(), 3)
    assert f'of lambda = 0 is {zero} nats' in line
    (short, long), budget = PAIRS, ('lambda = 0', 'budget 0.02')
    assert f'MCMI has {against(*short, measure, 4)}' in line
    assert f'a budget {against(*budget, measure, 4)}' in line
    assert f'MCMI of 10 epochs {against(*long, measure, 4)} (n = 1)' in line
    zero = people('lambda = 0', measure, ANEW)
    mcmi, larger = (
        gain(people(arm, measure, ANEW), zero, 4) for arm in ('MCMI', 'lambda = 0.5')
    )
    assert f'made anew {mcmi}, lambda 0.5 {larger} (n = 3)' in line
    fitted = [mean(people(arm, f'{measure}_fitted').values()) for arm in people_arms()]
    assert f'{min(fitted):.3f} to {max(fitted):.3f}' in line


def test_the_temperature_of_a_real_teacher_in_audit(teachers):
    curve = {p['temperature']: p['cmi'] for p in teachers[56]['train']['temperatures']}
    words = f'{curve[1.0]:.3f} nats at T = 1 and {curve[4.0]:.3f} at T = 4'
    assert words in words_of(PROJECT / 'docs/audit.md')


def test_classes_that_the_student_was_never_shown():
    """A row a run."""
    found, said = {1: [], 5: []}, row('Table 9, Fig. 4,')
    for run in runs_of('zero_shot_cifar10') + runs_of('zero_shot_cifar10_one'):
        of = run['values']
        confusion = of['confusion']
        dropped = len(confusion['dropped'])
        assert run['seed'] == 0 and confusion['dropped'] == list(range(dropped))
        named = np.array(confusion['matrix'])[:dropped, :dropped].sum()
        shares = [of[f'{name}_accuracy'] for name in ('dropped', 'preserved')]
        found[dropped].append((named, shares[0]))
        cells = [str(dropped), run['arm'], *(f'{share:.2f}' for share in shares)]
        assert f'\n| {" | ".join(cells)} |\n' in PAGE.read_text()
    for dropped, students in found.items():
        assert len(students) == 5
        named, shares = zip(*students, strict=True)
        words = f'ith {dropped} dropped these five students name {sum(named)} of'
        assert words in words_of(PAGE)
        assert f'{min(shares):.2f} to {max(shares):.2f} % with {dropped} of ten' in said


def test_class_by_class():
    of = {
        run['arm']: run['values']['teacher_cmi_per_class']
        for run in runs_of('per_class_cifar10')
    }
    mll, zero, mcmi = (of[arm] for arm in ('MLL', 'lambda = 0', 'MCMI'))
    tuned = [zero[name] - mll[name] for name in mll]
    raised = [mcmi[name] - zero[name] for name in mll]
    assert (
        f'of ten classes MCMI raises {sum(x > 0 for x in raised)} against lambda = 0, '
        f'by {min(raised):+.3f} to {max(raised):+.3f} nats; lambda = 0 against MLL by '
        f'{min(tuned):+.3f} to {max(tuned):+.3f}'
    ) in row('Table 8,')


def test_the_output_space():
    first, second, third = (
        run['values']['teacher_cmi'] for run in runs_of('tsne_cifar10')
    )
    assert f'CMI of {first:.3f}, {second:.3f} and {third:.3f} nats' in row('Fig. 6,')


def test_a_twentieth_of_every_class():
    runs, cell = runs_of('few_shot_cifar10'), dict(method='KD', alpha='5%')
    assert {run['seed'] for run in runs} == {0} and len(runs) == 4
    of = {r['arm']: values(runs, r['arm'], 'student_accuracy', cell) for r in runs}
    line = row('Table 3, a twentieth')
    assert f'MLL {of["MLL"][0]:.2f} %' in line
    for arm in ('lambda = 0', 'MCMI', 'budget 0.02'):
        assert f'{arm} {gain(of[arm], of["MLL"], 2)}' in line
    again = runs_of('few_shot_cifar10_again')
    mll, zero, mcmi = (
        values(again, arm, 'student_accuracy', cell)
        for arm in ('MLL', 'lambda = 0', 'MCMI')
    )
    assert (
        f'made anew (n = {len(mcmi)}) lambda = 0 {gain(zero, mll, 2)}, MCMI '
        f'{gain(mcmi, mll, 2)}, and against lambda = 0 {gain(mcmi, zero, 2)}'
    ) in line
    assert 'ahead of lambda = 0 in every seed' in line
    ahead = [difference(mcmi, zero), difference(of['MCMI'], of['lambda = 0'])]
    assert min(map(min, ahead)) > 0


def test_other_methods():
    """Of the same three teachers, a row a method."""
    by_method = {
        'KD': ('people_again', {}),
        'KD + LS': ('methods_cifar10_ls', dict(set='CIFAR-10', method='KD + LS')),
    }
    for method in ('DKD', 'CRD'):
        pair = 'CIFAR-10: ResNet-20 -> ResNet-8'
        by_method[method] = 'methods_cifar10', dict(pair=pair, method=method)
    gains = []
    for method, (study, cell) in by_method.items():
        mll, zero, mcmi = (
            values(runs_of(study), arm, 'student_accuracy', cell)[0]
            for arm in ('MLL', 'lambda = 0', 'MCMI')
        )
        gains.append(mcmi - zero)
        cells = [f'{mll:.2f}', f'{zero:.2f}', f'{mcmi:.2f}']
        cells += [f'{zero - mll:+.2f}', f'{gains[-1]:+.2f}']
        assert f'\n| {method} | {" | ".join(cells)} |\n' in PAGE.read_text()
    page = words_of(PAGE)
    assert f'from {min(gains):+.2f} to {max(gains):+.2f} points' in page
    accuracies = (
        people(arm, 'student_accuracy', ['people']).values()
        for arm in people_arms(['people'])
    )
    assert f'deviation of up to {max(map(stdev, accuracies)):.2f}.' in page


def test_lambda_of_the_teachers_made_anew():
    said = row('Table 7, lambda and CMI'), row('Table 7, lambda and the stud')
    arms = ('lambda = 0', 'lambda = 0.05', 'MCMI', 'lambda = 0.5')
    for line, measure, digits in zip(
        said, ('teacher_cmi', 'student_accuracy'), (4, 2), strict=True
    ):
        found = [people(arm, measure, ANEW).values() for arm in arms]
        assert ', '.join(spread(of, digits) for of in found) in line


def test_temperature_and_cmi_of_a_teacher_that_knows_the_images():
    found = json.loads((RESULTS / 'resnet20_mll.json').read_text())['train']
    curve = {p['temperature']: p['cmi'] for p in found['temperatures']}
    shown = [curve[t] for t in (1, 2, 4, 8)]
    assert f'{listed(shown, 3)} nats at T = 1, 2, 4, 8' in row('Fig. 1,')
    ahead = {t: cmi for t, cmi in curve.items() if t >= 1}
    assert max(ahead, key=ahead.__getitem__) == 2 and curve[0.25] > ahead[2]
    assert f'{curve[0.25]:.3f} at 0.25' in row('Fig. 1,')


def test_eigen_cam():
    arms = [run['arm'] for run in runs_of('eigen_cam_cifar10')]
    assert arms == ['MLL', 'lambda = 0', 'MCMI']
    assert '(results/eigen_cam_cifar10/figure1_eigen_cam.png)' in row('Fig. 3,')
