"""Several runs beside one another: their figures, curves, and what differs."""

from collections.abc import Sequence

from mcmi_plugin.report.arms import Arm, arms_of, differences, mean_and_sd
from mcmi_plugin.report.cost import parameters, rate, training_time
from mcmi_plugin.report.method import losses_of, method_of
from mcmi_plugin.report.run_origin import networks_of
from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.blocks import Block, Picture, Section, Table, Text
from mcmi_plugin.shown.chart import Line, draw_chart
from mcmi_plugin.shown.progress import duration
from mcmi_plugin.shown.style import colour_of
from mcmi_plugin.teacher.in_words import settings_in_words
from mcmi_plugin.teacher.summary import row_as_read, summary_rows

_MOST_DIFFERENCES = 40
_STYLES = ('-', '--', '-.', ':')


def comparison(runs: Sequence[Run]) -> list[Section]:
    """The sections that hold two or more runs against one another."""
    arms = arms_of(runs)
    parts = [
        Section('Runs', [runs_table(arms), _arms_table(arms), _costs_table(arms)]),
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


def runs_table(arms: Sequence[Arm]) -> Table:
    """A row a run: its method, its teacher's figures and its student's accuracy."""
    columns = (
        'run', 'arm', 'method', 'seed', 'epochs', 'teacher', 'teacher, %', 'LL, nats',
        'CMI, nats', 'student, %',
    )  # fmt: skip
    rows = []
    for arm in arms:
        for run in arm.runs:
            done, wanted = run.epochs
            epochs = str(done) if run.is_finished else f'{done} of {wanted}'
            seed = '' if run.seed is None else str(run.seed)
            mcmi, made, taught = run.teacher.get('mcmi'), '', ['', '', '']
            if mcmi:
                made = settings_in_words(mcmi)
                taught = row_as_read(summary_rows(mcmi, None, None)[-2])[1:]
            about = (method_of(run.config), seed, epochs, made)
            student = '' if run.accuracy is None else f'{run.accuracy:.2f}'
            rows.append((run.name, arm.name, *about, *taught, student))
    caption = (
        'One row a run. Accuracy in per cent on the validation set, the student\u2019s '
        'after its last epoch; LL and CMI of the teacher on its training set.'
    )
    return _without_own_arms(Table(columns, rows, caption))


def _seed(run: Run) -> str:
    return 'not set' if run.seed is None else str(run.seed)


def _costs_table(arms: Sequence[Arm]) -> Table:
    columns = (
        'run', 'arm', 'teacher (parameters)', 'student (parameters)', 'learning rate',
        'training steps', 'start to end',
    )  # fmt: skip
    rows = []
    for arm in arms:
        for run in arm.runs:
            names = networks_of(run)
            both = []
            for network in ('teacher', 'student'):
                number, words = parameters(run, network), names.get(network, '')
                both.append(f'{words} ({number})' if number else words)
            seconds = training_time(run), run.whole_time
            times = ['' if one is None else duration(one) for one in seconds]
            rows.append((run.name, arm.name, *both, rate(run), *times))
    caption = (
        'What each run cost. The learning rate is the one that was used, the highest '
        'and the last. From start to end: with a teacher that was made on the way; of '
        'a resumed run, its last part.'
    )
    return _without_own_arms(Table(columns, rows, caption))


def _without_own_arms(table: Table) -> Table:
    """Without the column of arms, where each run is one of its own."""
    if any(row[0] != row[1] for row in table.rows):
        return table
    columns, *rows = [(row[0], *row[2:]) for row in (table.columns, *table.rows)]
    return Table(columns, rows, table.caption)


def _arms_table(arms: Sequence[Arm]) -> Table | Text:
    if all(len(arm.accuracies) < 2 for arm in arms):
        return Text(
            'Each run is the only one of its config (n = 1): a difference between two '
            'of them may be chance. Runs that differ by seed alone are averaged here.'
        )
    rows = []
    for arm in arms:
        seeds = ', '.join(dict.fromkeys(map(_seed, arm.counted)))
        figures = mean_and_sd(arm.accuracies, 2), mean_and_sd(arm.cmis, 4)
        rows.append((arm.name, str(len(arm.accuracies)), seeds, *figures))
    columns = ('arm', 'n', 'seeds', 'student, %', 'CMI of the teacher, nats')
    caption = (
        'Mean and, from two on, standard deviation over the finished runs that differ '
        'by seed alone. n counts different seeds of the student; a teacher that '
        'several students share counts once.'
    )
    return Table(columns, rows, caption)


def _curves(arms: Sequence[Arm]) -> list[Block]:
    accuracy: list[Line] = []
    # Losses of different methods are different quantities: an axis each.
    loss: dict[str, list[Line]] = {}
    teachers: dict[str, tuple[list[str], list[dict], dict]] = {}
    for i, arm in enumerate(arms):
        # Colour is not its only sign; what lies beneath is wider, to be seen there.
        width = 1.6 + 0.8 * min(len(arms) - 1 - i, 4)
        look: dict = dict(colour=colour_of(i), style=_STYLES[i % 4], width=width)
        for number, run in enumerate(arm.runs):
            name = arm.name if number == 0 else ''  # an entry of the legend an arm
            if run.scalars.validated():
                accuracy.append(Line(name, run.scalars.validated(), **look))
            losses = [(r['step'], r['loss']) for r in run.scalars.train if 'loss' in r]
            if losses:
                words = f'{method_of(run.config)}: {losses_of(run.config)}'
                loss.setdefault(words, []).append(Line(name, losses, **look))
            mcmi = run.teacher.get('mcmi') or {}
            if mcmi.get('history'):  # of a teacher that several share, once
                file = str(mcmi.get('fingerprint', run.name))
                names, *_ = teachers.setdefault(file, ([], mcmi['history'], look))
                names += [arm.name] if arm.name not in names else []
    unit = arms[0].runs[0].unit
    charts: list[tuple] = [
        (accuracy, unit, 'validation accuracy, %', 'Accuracy of the students', '')
    ]
    for words, lines in loss.items():
        title = f'Training loss of the students by {words}'
        charts.append((lines, 'iteration', 'training loss', title, ''))
    for key in ('cmi', 'll'):
        lines = [
            Line(', '.join(names), [(e['epoch'], e[key]) for e in history], **look)
            for names, history, look in teachers.values()
        ]
        name = key.upper()
        about = ' in their training steps; a teacher that several share is one line'
        title = f'{name} of the teachers'
        charts.append((lines, 'epoch of the fine-tune', f'{name}, nats', title, about))
    pictures: list[Block] = [
        Picture(
            draw_chart(lines, x_name, y_name, may_be_log=y_name == 'training loss'),
            f'{title}, lines: {len(lines)}',
            f'{title}{about}.',
        )
        for lines, x_name, y_name, title, about in charts
        if lines
    ]
    return pictures or [Text('Nothing is recorded yet.')]
