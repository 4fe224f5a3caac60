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
