"""Every figure of docs/replication.md is one of docs/results."""

import json

import numpy as np
import pytest
from conftest import PROJECT

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


def words_of(page) -> str:
    return ' '.join(page.read_text().split())


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
        assert distances in ' '.join(PAGE.read_text().split())


@pytest.fixture(scope='module')
def people():
    """{arm: values} of the one seed that there is."""
    text = (PROJECT / 'docs/results/people/results.json').read_text()
    runs = json.loads(text)['results']
    assert {run['seed'] for run in runs} == {0}
    return {run['arm']: run['values'] for run in runs}


def test_one_seed_of_teachers_and_students_against_people(people):
    for arm, v in people.items():
        cells = [
            *(f'{v[f"teacher_people_{name}"]:.3f}' for name in ('kl', 'kl_fitted')),
            f'{v["teacher_people_distance"]:.1f}',
            f'{v["teacher_people_distance_fitted"]:.1f}',
            f'{v["teacher_people_temperature"]:.2f}',
            f'{v["teacher_ll"]:.3f}',
            f'{v["teacher_cmi"]:.3f}',
            f'{v["teacher_accuracy"]:.2f}',
            *(f'{v[f"student_people_{name}"]:.3f}' for name in ('kl', 'kl_fitted')),
            f'{v["student_accuracy"]:.2f}',
        ]
        assert f'\n| {arm} | {" | ".join(cells)} |\n' in PAGE.read_text()


LONG = ('lambda = 0, 10 epochs', 'MCMI, 10 epochs')
SHORT = ('lambda = 0', 'MCMI')


def test_lambda_and_what_it_did(people):
    line, students = row('Table 7, lambda and CMI'), row('Table 7, lambda and the stud')
    for pair in (SHORT, LONG):
        for name in ('cmi', 'll'):
            zero, mcmi = (people[arm][f'teacher_{name}'] for arm in pair)
            assert f'{zero:.3f} and {mcmi:.3f}' in line
        zero, mcmi = (people[arm]['student_accuracy'] for arm in pair)
        assert f'{zero:.2f} and {mcmi:.2f} %' in students


AGAINST = (SHORT, ('lambda = 0', 'budget 0.02'), LONG)


def of_pairs(people, name):
    """What the CMI's rise came with, of each arm against its own lambda = 0."""
    return [people[arm][name] - people[zero][name] for zero, arm in AGAINST]


def test_what_is_said_of_the_arms(people):
    page, line = words_of(PAGE), row('the claim behind the method')
    for arm in (*SHORT, *LONG, 'budget 0.02'):
        assert f'{people[arm]["teacher_people_kl"]:.3f}' in line
    mcmi, budget, long = of_pairs(people, 'teacher_cmi')
    paid = -of_pairs(people, 'teacher_ll')[1]
    assert (
        f'its CMI is {mcmi:.3f} nats above that of lambda = 0 after two epochs and '
        f'{long:.3f} after ten'
    ) in page
    assert f'A budget moves it by {budget:.3f} nats, for {paid:.3f} nats of LL' in page
    rises, zero = (mcmi, long), [people[arm]['teacher_cmi'] for arm, _ in (SHORT, LONG)]
    shares = ' and '.join(
        f'{100 * a / b:.0f}' for a, b in zip(rises, zero, strict=True)
    )
    assert f'raised the CMI by {shares} %' in words_of(PROJECT / 'docs/forms.md')


def test_what_raised_the_cmi_took_the_teacher_away_from_people(people):
    page = words_of(PAGE)
    farther = of_pairs(people, 'teacher_people_kl')
    fitted = of_pairs(people, 'teacher_people_kl_fitted')
    assert min(farther) > 0 and min(fitted) > 0
    first, budget, long = (f'{x:.3f}' for x in farther)
    assert f'by {first} (MCMI), {budget} (budget) and {long} nats of KL' in page
    idea = words_of(PROJECT / 'docs/idea.md')
    assert f'by {first} to {long} nats of KL' in idea


def test_what_came_nearest_to_people(people):
    page, line = words_of(PAGE), row('the claim behind the method')
    nearest = [
        min(people, key=lambda arm: people[arm][f'teacher_people_{name}'])  # noqa: B023
        for name in ('kl', 'kl_fitted', 'distance', 'distance_fitted')
    ]
    assert nearest == ['MLL', *3 * ['lambda = 0, 10 epochs']]
    assert min(people, key=lambda arm: people[arm]['teacher_cmi']) == nearest[1]
    kl, fitted = (
        [of[f'teacher_people_{name}'] for of in people.values()]
        for name in ('kl', 'kl_fitted')
    )
    gains = [a - b for a, b in zip(kl, fitted, strict=True)]
    assert f'{min(gains):.2f} to {max(gains):.2f} nats from each of these' in page
    assert f'{min(fitted):.3f} to {max(fitted):.3f}' in line
    assert f'no two are more than {max(kl) - min(kl):.3f} apart' in page


def test_all_teachers_lie_on_one_line(people):
    assert 'close to one falling line' in words_of(PAGE)
    values = (
        [of[f'teacher_{name}'] for of in people.values()] for name in ('ll', 'cmi')
    )
    assert np.corrcoef(*values)[0, 1] < -0.98


def test_what_is_said_of_the_students(people):
    page = words_of(PAGE)
    students = {arm: of['student_accuracy'] for arm, of in people.items()}
    assert max(students, key=students.get) == 'MCMI, 10 epochs'
    lowest, highest = min(students.values()), max(students.values())
    assert f'have {lowest:.2f} to {highest:.2f} %' in page
    first, budget, long = (f'{x:+.2f}' for x in of_pairs(people, 'student_accuracy'))
    assert f'{long} points against its control; two epochs gave {first}' in page
    assert f'the budget {budget}.' in page
    choosing = words_of(PROJECT / 'docs/choosing.md')
    assert (
        f'{first} points by KD after two epochs and {long} after ten, a budget {budget}'
    ) in choosing


def test_the_first_pages_say_the_same(people):
    zero, mcmi = (people[arm] for arm in LONG)
    readme = words_of(PROJECT / 'README.md')
    for words in (
        f'moved the CMI from {zero["teacher_cmi"]:.3f} nats, those of its control, to '
        f'{mcmi["teacher_cmi"]:.3f}, and the teacher away',
        f"KL(people, P) is {mcmi['teacher_people_kl']:.3f} nats, the control's "
        f'{zero["teacher_people_kl"]:.3f}',
        f'a temperature alone makes that {zero["teacher_people_kl_fitted"]:.3f}',
        f'{mcmi["student_accuracy"] - zero["student_accuracy"]:+.2f} points by KD',
    ):
        assert words in readme, words
    audit = words_of(PROJECT / 'docs/audit.md')
    assert f'stood at {-people["MLL"]["teacher_ll"]:.3f} nats' in audit
    assert f'(LL {people["lambda = 0"]["teacher_ll"]:.3f} nats' in words_of(
        PROJECT / 'docs/choosing.md'
    )


def test_the_temperature_of_a_real_teacher_in_audit(teachers):
    curve = {p['temperature']: p['cmi'] for p in teachers[56]['train']['temperatures']}
    words = f'{curve[1.0]:.3f} nats at T = 1 and {curve[4.0]:.3f} at T = 4'
    assert words in words_of(PROJECT / 'docs/audit.md')


def test_classes_that_the_student_was_never_shown():
    text = (PROJECT / 'docs/results/zero_shot_cifar10/results.json').read_text()
    runs = json.loads(text)['results']
    assert {run['seed'] for run in runs} == {0} and len(runs) == 5
    named, section = 0, PAGE.read_text().split('## Classes that the student')[1]
    for run in runs:
        values = run['values']
        confusion = values['confusion']
        assert confusion['dropped'] == [0, 1, 2, 3, 4]
        matrix = np.array(confusion['matrix'])
        named += matrix[:5, :5].sum()
        cells = [values[f'{name}_accuracy'] for name in ('dropped', 'preserved')]
        line = ' | '.join(f'{x:.2f}' for x in cells)
        assert f'\n| {run["arm"]} | {line} |\n' in section
    assert f'these five students name {named} by one of them' in words_of(PAGE)
    dropped = [run['values']['dropped_accuracy'] for run in runs]
    said = f'about {min(dropped):.2f} to {max(dropped):.2f} %'
    assert said in row('Table 9, Fig. 4,')
