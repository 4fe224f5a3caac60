"""The rows of docs/replication.md that are figures of runs, as the page prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np
from conftest import PROJECT
from results import difference, gain, runs_of, spread, values

from mcmi_study.content import read_content

CONTROLS = ('MLL', 'lambda = 0')


@dataclass(frozen=True)
class Students:
    """Students of one kind, of the first or of the second MLL teacher.

    Attributes:
        study: the folder of docs/results.
        command: what runs it, behind ``configs/study/``.
        cell: of the study's grid.
        printed: where the paper has it, in Table 3.
        arms: lambda = 0 and MCMI.
    """

    study: str
    command: str
    cell: dict
    printed: tuple[str, str] | None = None
    arms: tuple[str, str] = ('lambda = 0', 'MCMI')


def _few(alpha: str, study: str) -> Students:
    command = f'table3_few_shot.py --grid alpha={alpha}'
    return Students(study, command, dict(method='KD', alpha=alpha), ('KD', alpha))


def _method(method: str) -> Students:
    cell = dict(pair='CIFAR-10: ResNet-20 -> ResNet-8', method=method)
    printed = ('CRD', '10%') if method == 'CRD' else None
    command = f'table1.py --grid method={method}'
    return Students('methods_cifar10', command, cell, printed)


TENTH, LONG = ('KD', '10%'), ('lambda = 0, 10 epochs', 'MCMI, 10 epochs')
STUDENTS = {
    ('5 %, KD', 'first'): _few('5%', 'few_shot_cifar10'),
    ('5 %, KD', 'second'): _few('5%', 'few_shot_cifar10_again'),
    ('10 %, KD', 'first'): Students('people', 'people.py', {}, TENTH),
    ('10 %, KD', 'second'): Students('people_again', 'people.py', {}, TENTH),
    ('10 %, KD, ten epochs', 'first'): Students(
        'people_one_seed', 'people.py', {}, TENTH, LONG
    ),
    ('25 %, KD', 'second'): _few('25%', 'few_shot_cifar10_again'),
    ('10 %, KD + LS', 'second'): Students(
        'methods_cifar10_ls',
        "side_by_side.py --grid 'method=KD + LS'",
        dict(set='CIFAR-10', method='KD + LS'),
    ),
    ('10 %, DKD', 'second'): _method('DKD'),
    ('10 %, CRD', 'second'): _method('CRD'),
}


def accuracies(key: tuple[str, str]) -> list[dict[int, float]]:
    """Of the MLL teacher's, of lambda = 0's and of MCMI's students, by seed."""
    of = STUDENTS[key]
    runs = runs_of(of.study)
    return [values(runs, arm, 'student_accuracy', of.cell) for arm in ('MLL', *of.arms)]


def verdict(one: Mapping[int, float], other: Mapping[int, float]) -> str:
    """Of "the first is more", by twice the standard error of the differences."""
    found = difference(one, other)
    if len(found) == 1:
        return 'n = 1'
    if abs(mean(found)) <= 2 * stdev(found) / len(found) ** 0.5:
        return 'within noise'
    return 'holds' if mean(found) > 0 else 'contrary'


def _printed(method: str, alpha: str) -> str:
    """MCMI's gain against the MLL teacher in the paper."""
    study = read_content(str(PROJECT / 'configs/study/table3_few_shot.py'))
    mll, mcmi = (
        float(entry['student_accuracy'].split()[0])
        for arm in ('MLL', 'MCMI')
        for entry in study['paper']
        if entry['arm'] == arm and entry['grid'] == dict(method=method, alpha=alpha)
    )
    return f'{mcmi - mll:+.2f}'


def students_row(key: tuple[str, str]) -> list[str]:
    """The cells behind a row's ``key``."""
    of, (mll, zero, mcmi) = STUDENTS[key], accuracies(key)
    mll, zero = ({seed: of_arm[seed] for seed in mcmi} for of_arm in (mll, zero))
    return [
        str(len(mcmi)),
        _printed(*of.printed) if of.printed else '',
        spread(mll.values(), 2),
        gain(mcmi, mll, 2),
        gain(zero, mll, 2),
        gain(mcmi, zero, 2),
        verdict(mcmi, zero),
        f'[`{of.command}`](results/{of.study}/table.md)',
    ]


DROPPED = 'zero_shot_cifar10_again'


def dropped_row(number: int, arm: str, study: str = DROPPED) -> list[str]:
    """Of a teacher's students that were never shown ``number`` classes."""
    runs = [
        run
        for run in runs_of(study)
        if run['arm'] == arm and len(run['values']['confusion']['dropped']) == number
    ]
    shares = (
        spread([run['values'][f'{name}_accuracy'] for run in runs], 2)
        for name in ('dropped', 'preserved')
    )
    named, images = np.sum([named_dropped(run) for run in runs], axis=0)
    return [str(len(runs)), f'{named} of {images:,}', *shares]


def named_dropped(run: dict) -> tuple[int, int]:
    """Images of the dropped classes that are given one of their names; all of them."""
    confusion = run['values']['confusion']
    of = np.array(confusion['matrix'])[confusion['dropped']]
    return int(of[:, confusion['dropped']].sum()), int(of.sum())


def dropped_arms() -> list[tuple[int, str]]:
    """How many classes were dropped, and of which teacher the student is."""
    found = {
        (len(run['values']['confusion']['dropped']), run['arm'])
        for run in runs_of(DROPPED)
    }
    order = ['MLL', 'lambda = 0', 'MCMI', 'temperature 2']
    return sorted(found, key=lambda one: (one[0], order.index(one[1])))


def dropped_words() -> str:
    """The least and the most that a student knows of what it was never shown."""
    words = []
    for number in sorted({number for number, _ in dropped_arms()}):
        shares = [
            run['values']['dropped_accuracy']
            for run in runs_of(DROPPED)
            if len(run['values']['confusion']['dropped']) == number
        ]
        words.append(
            f'{min(shares):.2f} to {max(shares):.2f} % with {number} of ten dropped'
        )
    return ', '.join(words)


BY_CLASS = 'per_class_cifar10_again'


def by_class() -> tuple[int, str]:
    """The number of seeds, and what MCMI and the fine-tune do to a class's CMI."""
    of: dict[str, dict[int, dict[str, float]]] = {}
    for run in runs_of(BY_CLASS):
        found = run['values']['teacher_cmi_per_class']
        of.setdefault(run['arm'], {})[run['seed']] = found
    mll, zero, mcmi = (of[arm] for arm in ('MLL', 'lambda = 0', 'MCMI'))

    def moved(one: dict, other: dict) -> list[float]:
        return [
            mean(one[seed][name] - other[seed][name] for seed in one)
            for name in next(iter(one.values()))
        ]

    raised, tuned = moved(mcmi, zero), moved(zero, mll)
    return len(mcmi), (
        f'of ten classes MCMI raises {sum(x > 0 for x in raised)} against lambda = 0, '
        f'by {min(raised):+.3f} to {max(raised):+.3f} nats; lambda = 0 against MLL by '
        f'{min(tuned):+.3f} to {max(tuned):+.3f}'
    )
