"""The report of a run: at the end of its training, and by tools/report.py."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from rich.console import Console

from mcmi_plugin.errors import one_line
from mcmi_plugin.evaluation.predictions import Predictions
from mcmi_plugin.isolation import isolated
from mcmi_plugin.locations import typed
from mcmi_plugin.log import log_line, log_warning
from mcmi_plugin.report.arms import arms_of
from mcmi_plugin.report.comparison import comparison, runs_table
from mcmi_plugin.report.networks import Networks, rebuild
from mcmi_plugin.report.predictions import predict_some
from mcmi_plugin.report.record import dense, sparse, write_record
from mcmi_plugin.report.run_origin import as_typed
from mcmi_plugin.report.run_sections import sections
from mcmi_plugin.report.spaces import NUM_EMBEDDED, eigen_cams, output_space
from mcmi_plugin.report.work_dir import Run, read_runs
from mcmi_plugin.shown.blocks import Block, Section, Subheading, Table, Text
from mcmi_plugin.shown.confusion import confusion_blocks
from mcmi_plugin.shown.page import write_page
from mcmi_plugin.shown.tables import printable

PAGE = 'report.html'
# Minutes for a large student without a GPU; CIFAR's test set is whole.
_NUM_IMAGES = 10_000
# The screen is too narrow for all of a run's figures.
ON_SCREEN = (
    'run', 'method', 'epochs', 'student, %', 'teacher, %', 'LL, nats', 'CMI, nats',
)  # fmt: skip


def report_training(runner: Runner) -> None:
    """Write ``report.html`` into the work dir of a Runner at its end.

    In the main process alone. The training is done: what goes wrong here is one
    line of the log.
    """
    if not is_main_process():
        return
    try:
        write_record(runner)
        (run,) = read_runs([runner.work_dir])
        page = run.folder / PAGE
        write_page(page, run.name, sections(run, _recorded(run)), _note([run]))
    except Exception as error:  # of a network, data or disk of any kind
        words = f'no report is written: {one_line(error)}'
        log_warning(words)
    else:
        log_line(f'report: {as_typed(page)}')


def report_runs(
    folders: Sequence[str | os.PathLike], out: str | os.PathLike | None = None
) -> tuple[Path, list[Run]]:
    """Write the page of one run, or of several beside one another.

    Its file is ``out``, or ``report.html`` in the work dir of one run, in the folder
    around them of several; it and the runs are returned.

    Raises:
        UserError: a folder is no work dir, or the page cannot be written.
    """
    runs = read_runs(folders)
    if out is None:
        around = os.path.commonpath([run.folder for run in runs])
        out = Path(around, PAGE)
    if len(runs) == 1:
        (run,) = runs
        title, parts = run.name, sections(run, _passes(run))
    else:
        title = f'{len(runs)} runs compared'
        parts = comparison(runs) + [_together(run) for run in runs]
    write_page(out, title, parts, _note(runs))
    return Path(out), runs


def print_runs(runs: Sequence[Run]) -> None:
    """A line for each run, on the screen."""
    found = runs_table(arms_of(runs))
    shown = [found.columns.index(name) for name in ON_SCREEN]
    rows = [[row[i] for i in shown] for row in found.rows]
    Console().print(printable(Table(ON_SCREEN, rows)))


def _note(runs: Sequence[Run]) -> str:
    if len(runs) > 1:
        return ', '.join(run.name for run in runs)
    (run,) = runs
    config = run.record.get('config')
    return f'{config} in {as_typed(run.folder)}' if config else as_typed(run.folder)


def _recorded(run: Run) -> list[Section]:
    """What the training's end could afford; the line says what adds the rest."""
    blocks = _recorded_confusion(run)
    add = Text(
        'Eigen-CAM and t-SNE take longer and are added by '
        f'{typed("report")} {as_typed(run.folder)}'
    )
    return [Section('Confusion', blocks), Section('More', [add])]


def _recorded_confusion(run: Run) -> list[Block]:
    confusion = run.record.get('confusion') or dict(missing='it was not recorded')
    if 'missing' in confusion:
        return [Text(f'No confusion matrix: {confusion["missing"]}.')]
    words = _words(confusion['samples'], confusion['available'])
    return confusion_blocks(dense(confusion), confusion['classes'], words)


def _passes(run: Run) -> list[Section]:
    """The confusion matrix, Eigen-CAM and t-SNE, as far as the work dir allows."""
    # What code a run's networks and data are made of can fail in any way.
    with isolated():
        try:
            networks = rebuild(run)
            loader = run.config.val_dataloader
            found = _predict(networks, 'student', _NUM_IMAGES, loader)
            few = {
                name: _predict(networks, name, NUM_EMBEDDED, loader)
                for name in networks.by_name
            }
        except Exception as error:
            missing = Text(f'No Eigen-CAM and no t-SNE: {one_line(error)}.')
            return [Section('Confusion', [*_recorded_confusion(run), missing])]
        seen = networks.by_name, networks.preprocessor, networks.dataset
        student = sparse(found, len(networks.dataset))
        words = _words(student['samples'], student['available'])
        confusion = confusion_blocks(dense(student), student['classes'], words)
        return [
            Section('Confusion', confusion),
            Section('Eigen-CAM', _drawn('Eigen-CAM', lambda: eigen_cams(*seen))),
            Section('Output space', _drawn('t-SNE', lambda: output_space(few))),
        ]


def _predict(networks: Networks, name: str, number: int, loader: dict) -> Predictions:
    return predict_some(
        networks.by_name[name],
        networks.preprocessor,
        networks.dataset,
        number,
        name,
        loader.get('batch_size') or 64,
        loader.get('num_workers', 0),
    )


def _drawn(what: str, draw: Callable[[], list[Block]]) -> list[Block]:
    try:
        return draw()
    except Exception as error:  # of a network without maps, or samples of any kind
        return [Text(f'No {what}: {one_line(error)}.')]


def _together(run: Run) -> Section:
    """One run's whole report under one heading, for a page of several."""
    blocks: list[Block] = []
    for part in sections(run, _passes(run)):
        blocks += [Subheading(part.title), *part.blocks]
    return Section(run.name, blocks)


def _words(samples: int, available: int) -> str:
    if samples == available:
        return f'all {available} samples of the validation set'
    return f'{samples} of the {available} samples of the validation set, drawn once'
