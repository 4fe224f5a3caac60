"""The end of a sweep: its table, its picture, and the config of the winner."""

import os.path as osp
import statistics
from collections.abc import Sequence
from datetime import datetime

import optuna
from optuna.trial import TrialState
from rich.console import Console

from mcmi_plugin.cells.arms import ZERO
from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.paired import difference_in_words, paired, spread
from mcmi_plugin.shown.style import BLUE, RED, new_figure, save
from mcmi_plugin.shown.tables import as_markdown, printable
from mcmi_plugin.sweep.search import ended, name_of
from mcmi_plugin.whole_file import whole_file

_COLUMNS = (
    *('teacher', 'student, %', f'against {ZERO}', 'CMI, nats', 'LL, nats', 'n'),
    'remark',
)


def rows_of(study: optuna.Study) -> list[dict]:
    """One row per setting, as it was last run: figures, or why there are none."""
    rows = {}
    for trial in ended(study):
        name = name_of(trial)
        teachers = trial.user_attrs.get('teachers', [])
        off = any(teacher['off_the_cliff'] for teacher in teachers)
        pruned = trial.state == TrialState.PRUNED
        rows[name] = dict(
            name=name,
            lmda=trial.params.get('lmda', 0.0 if name == ZERO else None),
            scores=[] if pruned else trial.user_attrs.get('scores', []),
            cmi=_mean([teacher['cmi'] for teacher in teachers]),
            ll=_mean([teacher['ll'] for teacher in teachers]),
            off_the_cliff=off,
            remark='off the cliff' if off else 'stopped early' if pruned else '',
        )
    control = rows.get(ZERO, dict(scores=[]))['scores']
    for row in rows.values():
        row['difference'] = paired(*map(by_seed, (row['scores'], control)))
    return list(rows.values())


def by_seed(scores: Sequence[float]) -> dict[int, float]:
    """Those of seeds 0, 1, ..."""
    return dict(enumerate(scores))


def last_row(study: optuna.Study) -> dict:
    """The row of the setting that has come to its end last."""
    last = max(ended(study), key=lambda trial: trial.datetime_complete or datetime.min)
    return next(row for row in rows_of(study) if row['name'] == name_of(last))


def row_in_words(row: dict) -> str:
    """``lambda = 0: student 97.50 % (n = 3); its teacher: ...``: a row as a line."""
    words = [row['remark']] * bool(row['remark'])
    found = spread(row['scores'])
    if found:
        words.append(f'student {found.mean:.2f} % (n = {found.n})')
    if row['cmi'] is not None and row['ll'] is not None:
        words.append(f'its teacher: CMI {row["cmi"]:.4f}, LL {row["ll"]:.4f} nats')
    return f'{row["name"]}: {"; ".join(words)}'


def winner_of(rows: list[dict]) -> dict:
    """The row with the best mean; which may be a control."""
    finished = [row for row in rows if row['scores'] and not row['off_the_cliff']]
    return max(finished, key=lambda row: statistics.fmean(row['scores']))


def verdict(row: dict) -> str:
    """One sentence: who won, and whether that means anything."""
    mean = statistics.fmean(row['scores'])
    words = f'{row["name"]} has the best student on held-out data: {mean:.2f} %'
    found = row['difference']
    if row['name'] == ZERO or found is None:
        return f'{words}; it is the control itself.'
    more = '; give --seeds 3' * (found.se is None)
    return f'{difference_in_words(words, found, ZERO)}{more}.'


def print_table(rows: list[dict]) -> str:
    """Print the table; the same in Markdown."""
    rows = sorted(rows, key=lambda row: (row['lmda'] or 0, row['name']))
    table = Table(_COLUMNS, [_cells(row) for row in rows])
    Console().print(printable(table))
    return as_markdown(table)


def draw(rows: list[dict], path: str) -> None:
    """Student accuracy, CMI and LL against lambda (the shape of Table 7)."""
    n = max(len(row['scores']) for row in rows)
    figure = new_figure(f'n = {n} paired seeds; bars: standard deviation', 7, 6.5)
    panels = figure.subplots(3, 1, sharex=True)
    with_lambda = sorted(
        (row for row in rows if row['lmda'] is not None), key=lambda row: row['lmda']
    )
    level = [row for row in rows if row['lmda'] is None]
    labels = ('student, %\n(held out)', 'CMI, nats', 'LL, nats')
    keys = ('scores', 'cmi', 'll')
    for axis, label, key in zip(panels, labels, keys, strict=True):
        shown = [(row['lmda'], _spread(row[key])) for row in with_lambda]
        points = [(lmda, found) for lmda, found in shown if found]
        axis.errorbar(
            [lmda for lmda, _ in points],
            [found.mean for _, found in points],
            [found.sd or 0 for _, found in points],
            fmt='o-',
            capsize=3,
            color=BLUE,
        )
        for index, row in enumerate(level):
            found, style = _spread(row[key]), ('--', ':', '-.')[index % 3]
            if found:
                axis.axhline(found.mean, ls=style, c='0.35', label=row['name'])
        for row in with_lambda:
            if row['off_the_cliff']:
                axis.axvline(row['lmda'], color=RED, alpha=0.5)
        axis.set_ylabel(label)
    if len(panels[0].get_legend_handles_labels()[1]):
        panels[0].legend(fontsize=8)
    smallest = min((r['lmda'] for r in with_lambda if r['lmda']), default=0.1)
    panels[-1].set_xscale('symlog', linthresh=smallest)
    panels[-1].set_xlabel('lambda (red: off the cliff)')
    save(figure, path)


def write_winner(
    config: str, setting: dict, words: str, command: str, path: str
) -> None:
    """A config that inherits the user's and takes the winning teacher.

    Args:
        command: that trains by it, with what the sweep was told over the config.
    """
    said = [f'{k.removeprefix("mcmi.")}={v!r}' for k, v in setting.items()]
    with whole_file(path, 'w') as file:
        file.write(
            f'# Chosen by tools/sweep.py: {words}\n# {command}\n'
            f'_base_ = {osp.abspath(config)!r}\n\nmcmi = dict({", ".join(said)})\n'
        )


def _cells(row: dict) -> list[str]:
    found, difference = spread(row['scores']), row['difference']
    against = difference and row['name'] != ZERO
    nats = ['' if row[k] is None else f'{row[k]:.4f}' for k in ('cmi', 'll')]
    return [
        row['name'],
        found.shown(2) if found else '',
        difference.shown(2) if against else '',
        *nats,
        str(found.n) if found else '',
        row['remark'],
    ]


def _mean(values: list) -> float | None:
    found = spread(value for value in values if value is not None)
    return found.mean if found else None


def _spread(value: list[float] | float | None):
    return spread(
        value if isinstance(value, list) else [] if value is None else [value]
    )
