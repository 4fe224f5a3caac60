"""The table that a distillation with an MCMI teacher ends in."""

import json
import os.path as osp

from mmengine.runner import Runner
from rich.console import Console

from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_line
from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.style import save
from mcmi_plugin.shown.tables import as_markdown, printable
from mcmi_plugin.teacher.curves import draw_curves, stages
from mcmi_plugin.teacher.make import dial
from mcmi_plugin.teacher.planned import REWARD_NAMES
from mcmi_plugin.weights.held import DISTILLED, UNFINISHED
from mcmi_plugin.whole_file import whole_file

# The student's accuracy in per cent, by the names that validation loops give it.
ACCURACY = ('student.accuracy/top1', 'accuracy/top1')
_KEYS = ('accuracy', 'll', 'cmi')
COLUMNS = ('', 'accuracy, %', 'LL, nats', 'CMI, nats')
_BEGUN = {UNFINISHED: 'as given', DISTILLED: 'distilled'}


def write_summary(
    runner: Runner, provenance: dict, control: dict | None, directory: str
) -> None:
    """Print the table; write ``summary.md``, ``summary.json`` and ``curves.png``.

    Args:
        provenance: ``meta['mcmi']`` of the MCMI teacher's checkpoint.
        control: the same of the lambda = 0 control, if there is one.
    """
    rows = summary_rows(provenance, control, student_accuracy(runner))
    caption = (
        'accuracy on the validation set; LL and CMI of the teacher on the training '
        f'set; {settings_in_words(provenance)}; one run (n = 1)'
    )
    table = Table(COLUMNS, [row_as_read(row) for row in rows], caption)
    kept = [dict(zip(('model', *_KEYS), row, strict=True)) for row in rows]
    for name, text in (
        ('summary.md', f'{as_markdown(table)}\n{caption}\n'),
        ('summary.json', json.dumps(kept, indent=1)),
    ):
        with whole_file(osp.join(directory, name), 'w') as file:
            file.write(text)
    curves = stages_of(provenance, control)
    if curves:
        save(draw_curves(curves), osp.join(directory, 'curves.png'))
    Console().print(printable(table))
    log_line(f'table and picture: {directory}')


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
        (name, at.get('val', {}).get('accuracy'), at['train']['ll'], at['train']['cmi'])
        for name, at in figures
    ]
    return [*rows, ('student', accuracy, None, None)]


def row_as_read(row: tuple) -> list[str]:
    """A row as it is read."""
    name, *figures = row
    forms = zip(figures, ('.2f', '.4f', '.4f'), strict=True)
    return [name, *('' if one is None else format(one, form) for one, form in forms)]


def made_as(provenance: dict) -> str:
    """``MCMI``, or what else the teacher was made into."""
    made = 'MLL' if provenance.get('form') == 'none' else 'MCMI'
    if provenance.get('reward', 'cmi') != 'cmi':
        made = REWARD_NAMES[provenance['reward']]
    if 'temperature' in provenance:
        made += f', T = {provenance["temperature"]:.3g}'
    if 'cliff' in provenance and 'stopped_after' not in provenance:
        made += ' (off the cliff)'
    return made


def stages_of(provenance: dict, control: dict | None) -> list[tuple[str, list]]:
    """The curves of the teacher's making, as :mod:`.curves` draws them."""
    return stages(
        provenance, control, made_as(provenance), settings_in_words(provenance)
    )


def begun_as(provenance: dict) -> str:
    """What the teacher was before its fine-tune, in a word or two."""
    stage = (provenance.get('base') or {}).get('stage', '')
    return _BEGUN.get(stage, 'MLL')


def settings_in_words(provenance: dict) -> str:
    """``lambda 0.1``: how the teacher was made, in a few words."""
    form = provenance.get('form', 'fixed')
    words = ['no fine-tune' if form == 'none' else dial(provenance)]
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
    found = [scalars[f'val/{name}'] for name in ACCURACY if f'val/{name}' in scalars]
    return float(found[0].current()) if found else None


def accuracy_in(metrics: dict) -> float:
    """The student's top-1 accuracy among the metrics of a validation, in per cent.

    Raises:
        UserError: it is not among them.
    """
    for name in ACCURACY:
        if name in metrics:
            return float(metrics[name])
    raise UserError(
        f'val_evaluator: gives {", ".join(sorted(metrics))} and no top-1 accuracy, by '
        "which students are compared; add dict(type='Accuracy')"
    )
