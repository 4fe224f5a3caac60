"""All cells of a study, one after the other."""

import time

from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console

from mcmi_plugin.cells.cell import find_result, run_cell
from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.progress import Advance, advancing
from mcmi_study.measures import MEASURES
from mcmi_study.plan import Study


def run_cells(study: Study, console: Console) -> tuple[list[dict], list[str]]:
    """Run the cells that are not finished.

    A cell that fails does not keep the others from running: at the edge of the
    cliff a single lambda may.

    Args:
        study: what to run.
        console: for a progress bar on a terminal, or else a line per cell.

    Returns:
        The results in the order of the cells, and a line for each that failed.
    """
    measures, total = study.measures, len(study.cells)
    found = {cell.directory: find_result(cell, measures) for cell in study.cells}
    to_run = [cell for cell in study.cells if found[cell.directory] is None]
    ready = total - len(to_run)
    console.print(
        f'{total} cells, {ready} finished before: {study.work_dir}',
        soft_wrap=True,
        highlight=False,
    )
    failures = []
    with advancing(console, total, ready) as progress:
        for number, cell in enumerate(to_run, start=ready + 1):
            begun = time.monotonic()
            watch = Watch(progress, cell.name, number - 1)
            watch.move(0)
            try:
                result = run_cell(cell, measures, MEASURES, [watch])
            except UserError as error:
                failures.append(f'{cell.name}: {error}')
                words = f'failed: {error}'
            else:
                found[cell.directory], words = result, _first_figure(result)
            watch.move(1)
            line = f'{cell.name}: {words} ({time.monotonic() - begun:.1f} s)'
            if not console.is_terminal:
                line = f'[{number}/{total}] {line}; {progress.left}'
            progress.say(line)
    return [result for result in found.values() if result is not None], failures


def _first_figure(result: dict) -> str:
    name, value = next(iter(result['values'].items()))
    return f'{name} {value:.2f}' if isinstance(value, float) else 'done'


class Watch(Hook):
    """Tell how far the student's training is, of one cell after ``before`` others."""

    takes_joined_labels = True  # no samples at all; see `looks_at_samples`

    def __init__(self, progress: Advance, name: str, before: int) -> None:
        self.progress, self.name, self.before = progress, name, before

    def move(self, share: float) -> None:
        self.progress.move(self.before + share, self.name)

    def after_train_epoch(self, runner: Runner) -> None:
        self.move((runner.epoch + 1) / runner.max_epochs)
