"""What a page says of one run."""

from collections.abc import Sequence

from mcmi_plugin.report.cost import parameters, training_time
from mcmi_plugin.report.run_origin import provenance_blocks, stored_blocks, what_was_run
from mcmi_plugin.report.scalars import TEACHER_ACCURACY, Scalars
from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.blocks import Block, KeyFigures, Picture, Section, Table, Text
from mcmi_plugin.shown.chart import Line, draw_chart
from mcmi_plugin.shown.progress import duration
from mcmi_plugin.shown.style import colour_of, png_of
from mcmi_plugin.teacher.curves import draw_curves
from mcmi_plugin.teacher.in_words import off_the_cliff, settings_in_words
from mcmi_plugin.teacher.summary import (
    COLUMNS,
    row_as_read,
    stages_of,
    summary_rows,
)

_MOST_LOSSES = 4
_CURVES = (
    "Lines: the predictions that an epoch's training steps made, on images as they are "
    'trained on, augmented where the config says so, by weights that still moved. '
    'Squares: the same set measured by weights at rest, not augmented, as in the '
    'table. Hold like against like.'
)


def key_figures(run: Run) -> KeyFigures | None:
    """The figures that a page begins with; None where there are none yet."""
    figures = []
    validated = run.scalars.validated()
    if validated:
        unit = run.unit
        step, best = max(validated, key=lambda point: (point[1], -point[0]))
        last = f'{validated[-1][1]:.2f} %'
        beside = f'{unit} {validated[-1][0]}\nbest {best:.2f} %, {unit} {step}'
        figures.append(('Student accuracy', last, beside))
    mcmi, control = run.teacher.get('mcmi'), run.teacher.get('control')
    if mcmi is not None:
        *before, after = summary_rows(mcmi, control, None)[:-1]
        units = ('accuracy', ' %'), ('LL, nats', ''), ('CMI, nats', '')
        rows = [row_as_read(row)[1:] for row in (after, *before)]
        for (label, unit), (value, *others) in zip(
            units, zip(*rows, strict=True), strict=True
        ):
            # The control, where there is one, is what to hold it against.
            named = zip(('MLL', 'control'), others, strict=False)
            beside = '\n'.join(f'{name} {one}{unit}' for name, one in named if one)
            if value:
                figures.append((f'Teacher {label}', f'{value}{unit}', beside))
    else:
        taught = run.scalars.validated((TEACHER_ACCURACY,))
        if taught:
            figures.append(('Teacher accuracy', f'{taught[-1][1]:.2f} %', ''))
    number, of_teacher = (parameters(run, name) for name in ('student', 'teacher'))
    if number:
        beside = f'teacher {of_teacher}' if of_teacher else ''
        figures.append(('Student parameters', number, beside))
    steps, whole = training_time(run), run.whole_time
    if steps is not None:
        beside = 'in training steps of the student'
        if whole is not None:
            beside += f'\n{duration(whole)} from start to end'
        figures.append(('Training time', duration(steps), beside))
    return KeyFigures(figures) if figures else None


def standing(run: Run) -> str:
    """One line: how far the run has come, and what it can and cannot show."""
    done, wanted = run.epochs
    unit = run.unit
    if not run.scalars.train and not run.scalars.val:
        return (
            'Nothing is recorded yet: the training has not finished its first epoch '
            'or log interval.'
        )
    if run.is_finished:
        return f'{done} {unit}{"s" * (done != 1)}; one run (n = 1).'
    return f'Not finished: {done} of {wanted} {unit}s; one run (n = 1).'


def teacher_blocks(run: Run) -> list[Block]:
    """Teacher before and after, and its curves."""
    provenance, control = run.teacher.get('mcmi'), run.teacher.get('control')
    if provenance is None:
        if 'teacher' not in run.config.model:
            return []
        return [Text('The teacher is not an MCMI teacher, or is not recorded yet.')]
    rows = summary_rows(provenance, control, run.accuracy)
    caption = (
        'Accuracy on the validation set; LL and CMI of the teacher on the training '
        f'set; {settings_in_words(provenance)}; n = 1.'
    )
    blocks: list[Block] = [Table(COLUMNS, [row_as_read(row) for row in rows], caption)]
    if 'cliff' in provenance:
        words = off_the_cliff(provenance)
        blocks.append(
            Text(f'The fine-tune went {words}: {provenance["cliff"]["reason"]}.')
        )
    curves = stages_of(provenance, control)
    if curves:
        blocks.append(Text(_CURVES))
    for i, (title, _) in enumerate(curves):
        words = f'CMI, and LL below it, of the teacher over the epochs: {title}'
        blocks.append(Picture(png_of(draw_curves(curves, i)), words))
    return blocks


def student_blocks(run: Run) -> list[Block]:
    """Loss and validation accuracy over the training."""
    charts = [_losses(run.scalars), _accuracies(run)]
    blocks: list[Block] = [chart for chart in charts if chart is not None]
    return blocks or [Text('No losses and no validation are recorded.')]


def _losses(scalars: Scalars) -> Picture | None:
    names = [
        name
        for name in dict.fromkeys(key for record in scalars.train for key in record)
        if name.startswith('loss') or '.loss' in name
    ]
    if not names:
        return None
    # The sum first; a loss that is all of it adds nothing.
    names.sort(key=lambda name: name != 'loss')
    if len(names) == 2:
        names = names[:1]
    lines = []
    for i, name in enumerate(names[: _MOST_LOSSES + 1]):
        points = [(r['step'], r[name]) for r in scalars.train if name in r]
        if name == 'loss':  # wide and pale: a part may lie right upon it
            label = 'sum' if len(names) > 1 else ''
            lines.append(Line(label, points, '0.7', width=4))
        else:
            lines.append(Line(name, points, colour_of(i - 1)))
    whole = lines[0].points
    return Picture(
        draw_chart(lines, 'iteration', 'training loss', may_be_log=True),
        f'Training loss over {whole[-1][0]} iterations, from {whole[0][1]:.4g} to '
        f'{whole[-1][1]:.4g}',
        'Training loss and its parts, means over log intervals.',
    )


def _accuracies(run: Run) -> Picture | None:
    validated = run.scalars.validated()
    if not validated:
        return None
    lines = [Line('student', validated, colour_of(0), marker='o')]
    taught = run.scalars.validated((TEACHER_ACCURACY,))
    if taught:
        lines.append(Line('teacher', taught, colour_of(1), '--'))
    step, last = validated[-1]
    return Picture(
        draw_chart(lines, run.unit, 'validation accuracy, %'),
        f'Validation accuracy of the student, {last:.2f} % at {run.unit} {step}',
        'Accuracy on the validation set.',
    )


def sections(run: Run, passes: Sequence[Section]) -> list[Section]:
    """The page of one run; ``passes``: confusion, Eigen-CAM, t-SNE, as computed."""
    glance: list[Block] = [Text(standing(run))]
    figures = key_figures(run)
    if figures is not None:
        glance.insert(0, figures)
    parts = [
        Section('At a glance', glance),
        Section('Teacher', [*teacher_blocks(run), *stored_blocks(run)]),
        Section('Student', student_blocks(run)),
        *passes,
        Section('What was run', what_was_run(run)),
        Section('Provenance', provenance_blocks(run)),
    ]
    return [part for part in parts if part.blocks]
