"""What a study ends in: a table, words, pictures, and where each number is from."""

import json
from pathlib import Path

from rich import table as rich_table
from rich.console import Console

from mcmi_plugin.errors import UserError
from mcmi_plugin.report.blocks import Table
from mcmi_plugin.study.figures import FIGURES
from mcmi_plugin.study.page import write_study_page
from mcmi_plugin.study.plan import Study
from mcmi_plugin.study.table import table_rows, verdict_lines
from mcmi_plugin.whole_file import whole_file


def write_report(
    study: Study, results: list[dict], failures: list[str], console: Console
) -> Path:
    """Print the table and the verdicts, and write ``report/`` in the work dir.

    ``table.md``: table, verdicts and pictures; ``results.json``: every cell's
    figures; ``provenance.md``: command, seed and versions behind each; the figures
    of the study's config as PNG; ``index.html``: all of it as a page.

    Args:
        results: of :func:`mcmi_plugin.study.run.run_cells`, at least one.
        failures: a line for each cell that failed.

    Returns:
        The folder.
    """
    folder = study.work_dir / 'report'
    folder.mkdir(parents=True, exist_ok=True)
    header, rows = table_rows(study, results, study.measures)
    verdicts = [*verdict_lines(study, results), *(f'failed: {f}' for f in failures)]
    pictures, not_drawn = _draw(study, results, folder)
    verdicts += not_drawn
    # The screen is too narrow for all of it.
    shown, shown_rows = table_rows(study, results, study.compared)
    table = rich_table.Table(*shown, title=_title(study), caption=_caption(study))
    for row in shown_rows:
        table.add_row(*row)
    console.print(table)
    for line in verdicts:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    lines = [f'# {_title(study)}', '', *_markdown(header, rows), '', _caption(study)]
    lines += ['', *(f'- {line}' for line in verdicts)]
    for name in pictures:
        lines += ['', f'![{Path(name).stem}]({name})']
    lines += ['', 'Commands, seeds and versions: [provenance.md](provenance.md).']
    whole = dict(exhibit=study.content['exhibit'], scale=study.scale, results=results)
    for name, text in (
        ('table.md', '\n'.join(lines) + '\n'),
        ('provenance.md', provenance(study, results)),
        ('results.json', json.dumps(whole, indent=1) + '\n'),
    ):
        with whole_file(folder / name, 'w') as file:
            file.write(text)
    try:
        write_study_page(
            folder / 'index.html',
            _title(study),
            Table(header, rows, _caption(study)),
            verdicts,
            [folder / name for name in pictures],
            results,
        )
    except UserError as error:  # the figures are there, and that was the long part
        console.print(f'no index.html: {error}', markup=False, soft_wrap=True)
    console.print(f'report: {folder}', soft_wrap=True, highlight=False)
    return folder


def _title(study: Study) -> str:
    content = study.content
    return f'{content["exhibit"]}: {content["title"]} (scale {study.scale})'


def _caption(study: Study) -> str:
    parts = ['mean +- standard deviation over n seeds']
    if study.scale == 'smoke':
        parts.insert(0, 'smoke scale: it shows that the study runs, and nothing else')
    control = study.content.get('control')
    if control:
        parts.append(
            f'differences to {control} are paired by seed, +- their standard error'
        )
    if study.content.get('paper'):
        parts.append("columns that say paper's are as the paper printed them, not ours")
    if study.content.get('note'):
        parts.append(study.content['note'])
    return '; '.join(parts)


def provenance(study: Study, results: list[dict]) -> str:
    """Commands, versions, seeds and seconds of every cell, as markdown."""
    lines = [f'# Behind {_title(study)}', '', 'Every cell is one command:', '']
    versions = {json.dumps(r['versions'], sort_keys=True) for r in results}
    for text in sorted(versions):
        shown = ', '.join(f'{k} {v}' for k, v in json.loads(text).items())
        lines += [f'Versions: {shown}.', '']
    for result in results:
        place = ''.join(f'{axis} {name}, ' for axis, name in result['grid'].items())
        lines.append(
            f'## {place}{result["arm"]}, seed {result["seed"]} '
            f'({result["seconds"]} s)\n\n```\n{result["command"]}\n```\n'
        )
        if result.get('teacher'):
            lines.append(f'Teacher: `{result["teacher"]}`\n')
    return '\n'.join(lines)


def _markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [' | '.join(header), ' | '.join('---' for _ in header)]
    return [f'| {line} |' for line in [*lines, *map(' | '.join, rows)]]


def _draw(study: Study, results: list[dict], folder: Path) -> tuple[list, list]:
    """Names of the pictures drawn, and a line for each that could not be."""
    drawn: list[str] = []
    failures: list[str] = []
    for number, figure in enumerate(study.content.get('figures') or [], start=1):
        arguments = {key: value for key, value in figure.items() if key != 'type'}
        name = f'figure{number}_{figure["type"]}.png'
        try:
            FIGURES[figure['type']](results, str(folder / name), **arguments)
            drawn.append(name)
        except UserError as error:  # of a part of the study, or of failed cells
            failures.append(f'{figure["type"]} is not drawn: {error}')
    return drawn, failures
