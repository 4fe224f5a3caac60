"""The table that a distillation with an MCMI teacher ends in."""

import json
import os.path as osp

from mmengine.runner import Runner
from rich.console import Console

from mcmi_plugin.evaluation.accuracy import student_accuracy
from mcmi_plugin.log import log_line
from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.style import save
from mcmi_plugin.shown.tables import as_markdown, printable
from mcmi_plugin.teacher.curves import draw_curves, stages
from mcmi_plugin.teacher.in_words import begun_as, made_as, settings_in_words
from mcmi_plugin.whole_file import whole_file

_KEYS = ('accuracy', 'll', 'cmi')
COLUMNS = ('', 'accuracy, %', 'LL, nats', 'CMI, nats')


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


def stages_of(provenance: dict, control: dict | None) -> list[tuple[str, list]]:
    """The curves of the teacher's making, as :mod:`.curves` draws them."""
    return stages(
        provenance, control, made_as(provenance), settings_in_words(provenance)
    )
