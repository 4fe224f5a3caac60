"""The table that a distillation with an MCMI teacher ends in."""

import json
import os
import os.path as osp
from typing import Any

from mmengine.logging import print_log
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

from mcmi_plugin.report.curves import draw_curves, stages
from mcmi_plugin.report.style import save
from mcmi_plugin.teacher.held import DISTILLED, UNFINISHED
from mcmi_plugin.teacher.planned import REWARDS

_MOST = 20  # figures that a line can hold
COLUMNS = ('', 'accuracy, %', 'LL, nats', 'CMI, nats')


def write_summary(
    runner: Runner, provenance: dict, control: dict | None, directory: str
) -> None:
    """Print the table, and write it and the curves into ``directory``.

    ``summary.md`` and ``summary.json`` hold the table, ``curves.png`` the CMI
    and LL of the teacher over its epochs.

    Args:
        runner: the distillation's Runner, at its end.
        provenance: ``meta['mcmi']`` of the MCMI teacher's checkpoint.
        control: the same of the lambda = 0 control, if there is one.
        directory: made if it is not there.
    """
    rows = summary_rows(provenance, control, student_accuracy(runner))
    os.makedirs(directory, exist_ok=True)
    caption = (
        'accuracy on the validation set; LL and CMI of the teacher on the training '
        f'set; {settings(provenance)}; one run (n = 1)'
    )
    with open(osp.join(directory, 'summary.md'), 'w') as file:
        file.write(as_markdown(rows) + f'\n{caption}\n')
    with open(osp.join(directory, 'summary.json'), 'w') as file:
        json.dump(
            [dict(zip(('model', *KEYS), row, strict=True)) for row in rows],
            file,
            indent=1,
        )
    curves = stages_of(provenance, control)
    if curves:
        save(draw_curves(curves), osp.join(directory, 'curves.png'))

    table = Table(*COLUMNS, caption=caption)
    for row in rows:
        table.add_row(*shown(row))
    Console().print(table)
    print_log(f'table and picture: {directory}', logger='current')


KEYS = ('accuracy', 'll', 'cmi')
_BEGUN = {UNFINISHED: 'as given', DISTILLED: 'distilled'}


def summary_rows(
    provenance: dict, control: dict | None, accuracy: float | None
) -> list[tuple]:
    """Rows of (name, accuracy, LL, CMI); None where there is no figure."""
    figures = [(f'teacher, {begun_as(provenance)}', provenance['before'])]
    if control is not None:
        figures.append(('teacher, lambda = 0 (control)', control['after']))
    made = made_as(provenance)
    if made != 'MLL':  # which is there already
        figures.append((f'teacher, {made}', provenance['after']))
    rows = [
        (
            name,
            figure.get('val', {}).get('accuracy'),
            figure['train']['ll'],
            figure['train']['cmi'],
        )
        for name, figure in figures
    ]
    return [*rows, ('student', accuracy, None, None)]


def made_as(provenance: dict) -> str:
    """``MCMI``, or what else the teacher was made into."""
    made = 'MLL' if provenance.get('form') == 'none' else 'MCMI'
    if provenance.get('reward', 'cmi') != 'cmi':
        made = REWARDS[provenance['reward']]
    if 'temperature' in provenance:
        made += f', T = {provenance["temperature"]:.3g}'
    if 'cliff' in provenance and 'stopped_after' not in provenance:
        made += ' (off the cliff)'
    return made


def stages_of(provenance: dict, control: dict | None) -> list[tuple[str, list]]:
    """The curves of the teacher's making, as :mod:`report.curves` draws them."""
    return stages(provenance, control, made_as(provenance), settings(provenance))


def begun_as(provenance: dict) -> str:
    """What the teacher was before its fine-tune, in a word or two."""
    stage = (provenance.get('base') or {}).get('stage', '')
    return _BEGUN.get(stage, 'MLL')


def settings(provenance: dict) -> str:
    """``lambda 0.1``: how the teacher was made, in a few words."""
    words = []
    form = provenance.get('form', 'fixed')
    if form == 'none':
        words.append('no fine-tune')
    elif form == 'budget':
        words.append(f'budget {provenance["eps"]:g} nats')
    else:
        words.append(f'lambda {provenance["lmda"]:g}')
    if form == 'ema':
        words.append('centroids follow the model')
    if 'cliff' in provenance:
        words.append(off_the_cliff(provenance))
    kept = provenance.get('kept_epoch', provenance['base'].get('kept_epoch'))
    if kept is not None:
        words.append(f'MLL stopped early, at epoch {kept}')
    if provenance.get('worse_than_guessing'):
        words.append('the teacher was worse than guessing at the start')
    if 'temperature' in provenance:
        words.append(f'logits divided by {provenance["temperature"]:.3g}')
    return ', '.join(words)


def off_the_cliff(provenance: dict) -> str:
    """``off the cliff in epochs 3 to 10``: when, and what became of it."""
    epochs = provenance['cliff']['epochs']
    first, last = epochs[0], epochs[-1]
    words = f'off the cliff in epoch {first}'
    if last != first:
        words = f'off the cliff in epochs {first} to {last}'
    if 'stopped_after' in provenance:
        words += f', the teacher of epoch {provenance["stopped_after"]} kept'
    return words


def student_accuracy(runner: Runner) -> float | None:
    """Top-1 accuracy of the last validation, in per cent, if there was one."""
    scalars = runner.message_hub.log_scalars
    for name in ('val/accuracy/top1', 'val/student.accuracy/top1'):
        if name in scalars:
            return float(scalars[name].current())
    return None


def as_markdown(rows: list[tuple]) -> str:
    """The table for a README."""
    lines = [' | '.join(COLUMNS), ' | '.join(['---'] + ['---:'] * (len(COLUMNS) - 1))]
    lines += [' | '.join(shown(row)) for row in rows]
    return ''.join(f'| {line} |\n' for line in lines)


def shown(row: tuple) -> list[str]:
    name, accuracy, *nats = row
    shown = [name, '' if accuracy is None else f'{accuracy:.2f}']
    return shown + ['' if value is None else f'{value:.4f}' for value in nats]


def plain_metrics(metrics: dict) -> dict:
    """What an evaluator has computed, in lists where it is an array, as JSON takes it.

    A metric may be a number, a figure for each class, or a matrix.
    """
    return {name: _plain(value) for name, value in metrics.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if hasattr(value, 'tolist') else value


def print_metrics(title: str, metrics: dict) -> None:
    """A table of what an evaluator has computed."""
    table = Table('metric', 'value', title=title)
    for name, value in plain_metrics(metrics).items():
        table.add_row(name, _shown(value))
    Console().print(table)


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return f'{value:.4f}' if isinstance(value, (int, float)) else str(value)
    if len(value) > _MOST:
        return f'{len(value)} of them; --out FILE writes them'
    # A row of a matrix is a line.
    return ('\n' if value and isinstance(value[0], list) else ' ').join(
        f'{part:g}' if isinstance(part, int) else _shown(part) for part in value
    )
