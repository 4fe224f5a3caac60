"""All cells of a study, one after the other."""

from rich.console import Console

from mcmi_plugin.errors import UserError
from mcmi_plugin.study.cell import find_result, run_cell
from mcmi_plugin.study.plan import Study
from mcmi_plugin.study.progress import Watch, shown


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
    measures = study.measures
    found = {cell.directory: find_result(cell, measures) for cell in study.cells}
    to_run = [cell for cell in study.cells if found[cell.directory] is None]
    ready = len(study.cells) - len(to_run)
    console.print(
        f'{len(study.cells)} cells, {ready} finished before: {study.work_dir}',
        soft_wrap=True,
        highlight=False,
    )
    failures = []
    with shown(console, len(study.cells), ready) as progress:
        for cell in to_run:
            progress.begin(cell.name)
            try:
                result = run_cell(cell, measures, [Watch(progress)])
            except UserError as error:
                failures.append(f'{cell.name}: {error}')
                progress.end(f'failed: {error}')
            else:
                found[cell.directory] = result
                progress.end(_first_figure(result))
    return [result for result in found.values() if result is not None], failures


def _first_figure(result: dict) -> str:
    name, value = next(iter(result['values'].items()))
    return f'{name} {value:.2f}' if isinstance(value, float) else 'done'
