"""The end of a sweep: its table, its picture, and the config of the winner."""

import math
import os.path as osp
import statistics
from datetime import datetime

import optuna
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from optuna.trial import TrialState
from rich.console import Console
from rich.table import Table

from mcmi_plugin.sweep.settings import ZERO

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
COLUMNS = (
    'teacher',
    'student, %',
    f'against {ZERO}',
    'CMI, nats',
    'LL, nats',
    'n',
    'remark',
)


def rows_of(study: optuna.Study) -> list[dict]:
    """One row per setting, as it was last run: figures, or why there are none."""
    rows = {}
    for trial in study.get_trials(deepcopy=False):
        if trial.state not in ENDED:
            continue
        name = trial.user_attrs['setting']
        teachers = trial.user_attrs.get('teachers', [])
        scores = trial.user_attrs.get('scores', [])
        off = any(teacher['off_the_cliff'] for teacher in teachers)
        pruned = trial.state == TrialState.PRUNED
        rows[name] = dict(
            name=name,
            lmda=trial.params.get('lmda', 0.0 if name == ZERO else None),
            scores=[] if pruned else scores,
            cmi=_mean([teacher['cmi'] for teacher in teachers]),
            ll=_mean([teacher['ll'] for teacher in teachers]),
            off_the_cliff=off,
            remark='off the cliff' if off else 'stopped early' if pruned else '',
        )
    control = rows.get(ZERO, dict(scores=[]))['scores']
    for row in rows.values():
        row['difference'] = paired(row['scores'], control)
    return list(rows.values())


def last_row(study: optuna.Study) -> dict:
    """The row of the setting that has come to its end last."""
    trials = study.get_trials(deepcopy=False, states=ENDED)
    last = max(trials, key=lambda trial: trial.datetime_complete or datetime.min)
    return next(r for r in rows_of(study) if r['name'] == last.user_attrs['setting'])


def in_words(row: dict) -> str:
    """``lambda = 0: student 97.50 % (n = 3); its teacher: ...``: a row as a line."""
    words = [row['remark']] * bool(row['remark'])
    if row['scores']:
        mean, n = statistics.fmean(row['scores']), len(row['scores'])
        words.append(f'student {mean:.2f} % (n = {n})')
    if row['cmi'] is not None and row['ll'] is not None:
        words.append(f'its teacher: CMI {row["cmi"]:.4f}, LL {row["ll"]:.4f} nats')
    return f'{row["name"]}: {"; ".join(words)}'


def paired(scores: list[float], control: list[float]) -> tuple[float, float] | None:
    """Mean of the paired differences and its standard error (NaN for n = 1)."""
    if not scores or len(scores) != len(control):
        return None
    differences = [a - b for a, b in zip(scores, control, strict=True)]
    n = len(differences)
    spread = statistics.stdev(differences) / math.sqrt(n) if n > 1 else math.nan
    return statistics.fmean(differences), spread


def winner_of(rows: list[dict]) -> dict:
    """The row with the best mean; which may be a control."""
    finished = [row for row in rows if row['scores'] and not row['off_the_cliff']]
    return max(finished, key=lambda row: statistics.fmean(row['scores']))


def verdict(row: dict) -> str:
    """One sentence: who won, and whether that means anything."""
    mean = statistics.fmean(row['scores'])
    words = f'{row["name"]} has the best student on held-out data: {mean:.2f} %'
    if row['name'] == ZERO or row['difference'] is None:
        return f'{words}; it is the control itself.'
    difference, error = row['difference']
    words += f', {difference:+.2f} against {ZERO}'
    n = len(row['scores'])
    if n == 1:
        return f'{words} (n = 1: nothing is known of the spread; give --seeds 3).'
    exceeds = abs(difference) > 2 * error
    return (
        f'{words} +- {error:.2f} (n = {n} pairs): the difference '
        + ('exceeds' if exceeds else 'is within')
        + ' twice its standard error.'
    )


def print_table(rows: list[dict]) -> str:
    """Print the table; the same in Markdown."""
    table = Table(*COLUMNS)
    lines = [' | '.join(COLUMNS), ' | '.join(['---'] * len(COLUMNS))]
    for row in sorted(rows, key=lambda row: (row['lmda'] or 0, row['name'])):
        cells = _cells(row)
        table.add_row(*cells)
        lines.append(' | '.join(cells))
    Console().print(table)
    return ''.join(f'| {line} |\n' for line in lines)


def draw(rows: list[dict], path: str) -> None:
    """Student accuracy, CMI and LL against lambda (the shape of Table 7)."""
    figure = Figure(figsize=(6.5, 7), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 1, sharex=True)
    with_lambda = sorted(
        (row for row in rows if row['lmda'] is not None), key=lambda row: row['lmda']
    )
    labels = ('student, %\n(held out)', 'CMI, nats', 'LL, nats')
    keys = ('scores', 'cmi', 'll')
    for axis, label, key in zip(panels, labels, keys, strict=True):
        points = [(row['lmda'], _mean_of(row[key]), row) for row in with_lambda]
        points = [point for point in points if point[1] is not None]
        axis.errorbar(
            [lmda for lmda, _, _ in points],
            [value for _, value, _ in points],
            [_spread(row[key]) for _, _, row in points],
            fmt='o-',
            capsize=3,
            color='tab:blue',
        )
        for index, row in enumerate(row for row in rows if row['lmda'] is None):
            value = _mean_of(row[key])
            if value is not None:
                axis.axhline(
                    value, ls=('--', ':', '-.')[index % 3], c='0.35', label=row['name']
                )
        for row in with_lambda:
            if row['off_the_cliff']:
                axis.axvline(row['lmda'], color='tab:red', alpha=0.5)
        axis.set_ylabel(label)
    if len(panels[0].get_legend_handles_labels()[1]):
        panels[0].legend(fontsize=8)
    smallest = min((r['lmda'] for r in with_lambda if r['lmda']), default=0.1)
    panels[-1].set_xscale('symlog', linthresh=smallest)
    panels[-1].set_xlabel('lambda (red: off the cliff)')
    n = max(len(row['scores']) for row in rows)
    figure.suptitle(f'n = {n} paired seeds; bars: standard deviation', fontsize=10)
    figure.savefig(path, dpi=130)


def write_winner(config: str, setting: dict, words: str, path: str) -> None:
    """A config that inherits the user's and takes the winning teacher."""
    said = ', '.join(f'{key}={value!r}' for key, value in setting.items())
    with open(path, 'w') as file:
        file.write(
            f'# Chosen by tools/sweep.py: {words}\n'
            f'_base_ = {osp.abspath(config)!r}\n\nmcmi = dict({said})\n'
        )


def _cells(row: dict) -> list[str]:
    scores = row['scores']
    student = f'{statistics.fmean(scores):.2f}' if scores else ''
    if len(scores) > 1:
        student += f' +- {statistics.stdev(scores):.2f}'
    difference = ''
    if row['difference'] is not None and row['name'] != ZERO:
        mean, error = row['difference']
        difference = f'{mean:+.2f}' + ('' if math.isnan(error) else f' +- {error:.2f}')
    nats = ['' if row[k] is None else f'{row[k]:.4f}' for k in ('cmi', 'll')]
    n = str(len(scores)) if scores else ''
    return [row['name'], student, difference, *nats, n, row['remark']]


def _mean(values: list) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.fmean(there) if there else None


def _mean_of(value) -> float | None:
    return _mean(value) if isinstance(value, list) else value


def _spread(value) -> float:
    many = isinstance(value, list) and len(value) > 1
    return statistics.stdev(value) if many else 0.0
