"""All cells of a study, one after the other, with what remains in sight."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from mcmi_plugin.errors import UserError
from mcmi_plugin.study.cell import Cell, find_result, run_cell
from mcmi_plugin.study.plan import Study


def run_cells(study: Study, console: Console) -> tuple[list[dict], list[str]]:
    """Run the cells that are not finished.

    A cell that fails does not keep the others from running: at the edge of the
    cliff a single lambda may.

    Args:
        study: what to run.
        console: for the progress bar on a terminal, or else a line per cell.

    Returns:
        The results in the order of the cells, and a line for each that failed.
    """
    measures = study.measures
    found = {cell.directory: find_result(cell, measures) for cell in study.cells}
    ready = sum(result is not None for result in found.values())
    total = len(study.cells)
    console.print(f'{total} cells, {ready} finished before: {study.work_dir}')
    failures, seconds = [], []
    with _shown(console, total, ready) as show:
        for cell in study.cells:
            if found[cell.directory] is not None:
                continue
            show(cell, None, _left(seconds, total - ready - len(seconds)))
            started = time.monotonic()
            try:
                found[cell.directory] = run_cell(cell, measures)
                line = _first_figure(found[cell.directory])
            except UserError as error:
                failures.append(f'{cell.name}: {error}')
                line = f'failed: {error}'
            seconds.append(time.monotonic() - started)
            line += f' ({seconds[-1]:.1f} s)'
            show(cell, line, _left(seconds, total - ready - len(seconds)))
    return [result for result in found.values() if result is not None], failures


def _first_figure(result: dict) -> str:
    name, value = next(iter(result['values'].items()))
    return f'{name} {value:.2f}' if isinstance(value, float) else 'done'


def _left(seconds: list[float], cells: int) -> str:
    """Remaining time as far as the cells so far can tell."""
    if not seconds:
        return 'remaining time not known yet'
    left = round(sum(seconds) / len(seconds) * cells)
    return f'about {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left'


@contextmanager
def _shown(console: Console, total: int, ready: int) -> Iterator:
    """A bar on a terminal; elsewhere, a plain line as each cell ends."""
    if not console.is_terminal:
        done = ready

        def write(cell: Cell, line: str | None, left: str) -> None:
            nonlocal done
            if line is not None:
                done += 1
                text = f'[{done}/{total}] {cell.name}: {line}; {left}'
                console.print(text, soft_wrap=True, markup=False, highlight=False)

        yield write
        return
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    words = TextColumn('{task.description}', markup=False)
    with Progress(*columns, words, console=console) as progress:
        task = progress.add_task('', total=total, completed=ready)

        def move(cell: Cell, line: str | None, left: str) -> None:
            if line is not None:
                progress.console.print(f'{cell.name}: {line}', markup=False)
                progress.advance(task)
            progress.update(task, description=f'{left}; {cell.name}')

        yield move
