"""Several runs beside one another: their figures, curves, and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcmi_plugin.report.arms import Arm, arms_of, differences, mean_and_sd
from mcmi_plugin.report.chart import Line, draw_chart
from mcmi_plugin.report.page import Picture, Section, Table, Text
from mcmi_plugin.report.run_sections import accuracy_of
from mcmi_plugin.report.style import colour_of
from mcmi_plugin.report.summary import settings, summary_rows
from mcmi_plugin.report.work_dir import Run

_MOST_DIFFERENCES = 40
_STYLES = ('-', '--', '-.', ':')


@dataclass(frozen=True)
class Cells:
    """A run's figures as tables show them; '' where there is none.

    Attributes:
        epochs: done, and of how many where there are more to do.
        student: accuracy after the last validation, in per cent.
        teacher: accuracy in per cent, LL and CMI in nats.
    """

    epochs: str
    student: str
    teacher: tuple[str, str, str]


def run_cells(run: Run) -> Cells:
    """The figures of one run."""
    done, wanted = run.epochs
    mcmi = run.teacher.get('mcmi')
    taught = summary_rows(mcmi, None, None)[-2] if mcmi else ('', None, None, None)
    return Cells(
        str(done) if run.is_finished else f'{done} of {wanted}',
        _number(accuracy_of(run), 2),
        (_number(taught[1], 2), _number(taught[2], 4), _number(taught[3], 4)),
    )


def comparison(runs: Sequence[Run]) -> list[Section]:
    """The sections that hold several runs against one another.

    Args:
        runs: two at least.
    """
    arms = arms_of(runs)
    parts = [
        Section('Runs', [_runs_table(arms), _arms_table(arms)]),
        Section('Curves', _curves(arms)),
    ]
    rows = differences(arms)
    if rows:
        caption = 'Keys of the config that are not the same in all arms'
        if len(rows) > _MOST_DIFFERENCES:
            caption += f', {_MOST_DIFFERENCES} of {len(rows)}'
        columns = ('key', *(arm.name for arm in arms))
        table = Table(columns, rows[:_MOST_DIFFERENCES], caption)
        parts.append(Section('What differs', [table]))
    return parts


def _runs_table(arms: Sequence[Arm]) -> Table:
    columns: tuple[str, ...] = (
        'run', 'arm', 'seed', 'epochs', 'teacher', 'teacher, %', 'LL, nats',
        'CMI, nats', 'student, %',
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for arm in arms:
        for run in arm.runs:
            cells, mcmi = run_cells(run), run.teacher.get('mcmi')
            made = settings(mcmi) if mcmi else ''
            seed = '' if run.seed is None else str(run.seed)
            figures = (*cells.teacher, cells.student)
            rows.append((run.name, arm.name, seed, cells.epochs, made, *figures))
    if all(row[0] == row[1] for row in rows):  # each run is an arm of its own
        columns = (columns[0], *columns[2:])
        rows = [(row[0], *row[2:]) for row in rows]
    caption = (
        'One row a run. Accuracy in per cent on the validation set, the student\u2019s '
        'after its last epoch; LL and CMI of the teacher on its training set.'
    )
    return Table(columns, rows, caption)


def _arms_table(arms: Sequence[Arm]) -> Table | Text:
    if all(len(arm.accuracies) < 2 for arm in arms):
        return Text(
            'Each run is the only one of its config (n = 1): a difference between two '
            'of them may be chance. Runs that differ by seed alone are averaged here.'
        )
    rows = [
        (
            arm.name,
            str(len(arm.accuracies)),
            ', '.join(str(run.seed) for run in arm.counted),
            mean_and_sd(arm.accuracies, 2),
            mean_and_sd(arm.cmis, 4),
        )
        for arm in arms
    ]
    columns = ('arm', 'n', 'seeds', 'student, %', 'CMI of the teacher, nats')
    caption = (
        'Mean and, from two on, standard deviation over the finished runs that differ '
        'by seed alone. n counts different seeds of the student; a teacher that '
        'several students share counts once.'
    )
    return Table(columns, rows, caption)


def _curves(arms: Sequence[Arm]) -> list[Picture | Text]:
    accuracy: list[Line] = []
    loss: list[Line] = []
    cmi: list[Line] = []
    ll: list[Line] = []
    for i, arm in enumerate(arms):
        for number, run in enumerate(arm.runs):
            # One entry of the legend an arm; colour is not its only sign.
            name = arm.name if number == 0 else ''
            look = (colour_of(i), _STYLES[i % len(_STYLES)])
            losses = [(r['step'], r['loss']) for r in run.scalars.train if 'loss' in r]
            for lines, points in ((accuracy, run.scalars.validated()), (loss, losses)):
                if points:
                    lines.append(Line(name, points, *look))
            history = (run.teacher.get('mcmi') or {}).get('history') or []
            for lines, key in ((cmi, 'cmi'), (ll, 'll')):
                if history:
                    points = [(n, epoch[key]) for n, epoch in enumerate(history, 1)]
                    lines.append(Line(name, points, *look))
    unit = 'epoch' if arms[0].runs[0].scalars.by_epoch else 'iteration'
    charts = (
        (accuracy, unit, 'validation accuracy, %', 'Accuracy of the students'),
        (loss, 'iteration', 'training loss', 'Training loss of the students'),
        (cmi, 'epoch of the fine-tune', 'CMI, nats', 'CMI of the teachers'),
        (ll, 'epoch of the fine-tune', 'LL, nats', 'LL of the teachers'),
    )
    pictures: list[Picture | Text] = [
        Picture(
            draw_chart(lines, x_name, y_name, may_be_log=lines is loss),
            f'{words}, {len(lines)} runs over each other',
            f'{words}; one line a run, one colour and style an arm.',
        )
        for lines, x_name, y_name, words in charts
        if lines
    ]
    return pictures or [Text('Nothing is recorded yet.')]


def _number(value: float | None, digits: int) -> str:
    return '' if value is None else f'{value:.{digits}f}'
