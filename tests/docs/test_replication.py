"""Every figure of docs/replication.md is one of docs/results."""

import json

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


def test_one_seed_of_teachers_and_students_against_people():
    text = (PROJECT / 'docs/results/people/results.json').read_text()
    runs = json.loads(text)['results']
    assert {run['seed'] for run in runs} == {0}
    for run in runs:
        v = run['values']
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
        if run['arm'] in ('MLL', 'lambda = 0', 'MCMI'):
            assert cells[0] in row('the claim behind the method')
        assert row(f'{run["arm"]} |') == f'| {run["arm"]} | {" | ".join(cells)} |'
    kl, fitted = (
        [run['values'][f'teacher_people_{name}'] for run in runs]
        for name in ('kl', 'kl_fitted')
    )
    nearer = {f'{a - b:.2f}' for a, b in zip(kl, fitted, strict=True)}
    assert nearer == {'0.17', '0.18'} and max(kl) - min(kl) < 0.03
