"""What a study ends in: a table, words, pictures, and where each number is from."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.blocks import Block, Code, Picture, Section, Table, Text
from mcmi_plugin.shown.page import write_page
from mcmi_plugin.shown.tables import as_markdown, printable
from mcmi_plugin.whole_file import whole_file
from mcmi_study.figures import draw
from mcmi_study.plan import Study
from mcmi_study.results import Results
from mcmi_study.table import table_of, verdict_lines


def write_report(
    study: Study, results: list[dict], failures: list[str], console: Console
) -> Path:
    """Print the table and the verdicts, and write ``report/`` in the work dir.

    ``table.md``: table, verdicts and pictures; ``results.json``: every cell's
    figures; ``provenance.md``: command, seed and versions behind each; the figures
    of the study's config as PNG; ``index.html``: all of it as a page.

    Args:
        results: of :func:`mcmi_study.run.run_cells`, at least one.
        failures: a line for each cell that failed.

    Returns:
        The folder.
    """
    folder = study.work_dir / 'report'
    folder.mkdir(parents=True, exist_ok=True)
    runs, title, caption = Results(results), _title(study), _caption(study)
    table = table_of(study, runs, study.measures, caption)
    verdicts = [*verdict_lines(study, runs), *(f'failed: {f}' for f in failures)]
    pictures, not_drawn = _draw(study, runs, folder)
    verdicts += not_drawn
    # The screen is too narrow for all of it.
    console.print(printable(table_of(study, runs, study.compared, caption), title))
    for line in verdicts:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    lines = [f'# {title}', '', as_markdown(table), caption, '']
    lines += [f'- {line}' for line in verdicts]
    for name in pictures:
        lines += ['', f'![{Path(name).stem}]({name})']
    lines += ['', 'Commands, seeds and versions: [provenance.md](provenance.md).']
    whole = dict(exhibit=study.content['exhibit'], scale=study.scale, results=results)
    for name, text in (
        ('table.md', '\n'.join(lines) + '\n'),
        ('provenance.md', provenance(title, results)),
        ('results.json', json.dumps(whole, indent=1) + '\n'),
    ):
        with whole_file(folder / name, 'w') as file:
            file.write(text)
    found: list[Block] = [Text('\n\n'.join(verdicts)), table]
    drawn: list[Block] = [
        Picture(folder / name, f'{_words(name)}; its figures are in the table')
        for name in pictures
    ]
    parts = [
        Section('What was found', found),
        *([Section('Pictures', drawn)] if drawn else []),
        Section('Behind each number', _behind(results)),
    ]
    note = (
        f'{len(results)} {"cell" if len(results) == 1 else "cells"}, each one command'
    )
    try:
        write_page(folder / 'index.html', title, parts, note)
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


def _draw(study: Study, results: Results, folder: Path) -> tuple[list, list]:
    """Names of the pictures drawn, and a line for each that could not be."""
    drawn: list[str] = []
    failures: list[str] = []
    for number, figure in enumerate(study.content.get('figures') or [], start=1):
        name = f'figure{number}_{figure["type"]}.png'
        try:
            draw(results=results, path=str(folder / name), **figure)
            drawn.append(name)
        except UserError as error:  # of a part of the study, or of failed cells
            failures.append(f'{figure["type"]} is not drawn: {error}')
    return drawn, failures


def _words(picture: str) -> str:
    """``figure1_per_class.png``: Figure 1: per class."""
    number, _, kind = Path(picture).stem.removeprefix('figure').partition('_')
    return f'Figure {number}: {kind.replace("_", " ")}'


def _versions(results: Sequence[dict]) -> list[str]:
    """A line for each set of versions that runs were made with."""
    found = {json.dumps(run['versions'], sort_keys=True) for run in results}
    named = (json.loads(text).items() for text in sorted(found))
    return [f'Versions: {", ".join(f"{k} {v}" for k, v in one)}.' for one in named]


def provenance(title: str, results: Sequence[dict]) -> str:
    """Commands, versions, seeds and seconds of every cell, as markdown."""
    lines = [f'# Behind {title}', '', 'Every cell is one command:', '']
    for line in _versions(results):
        lines += [line, '']
    for run in results:
        place = ''.join(f'{axis} {name}, ' for axis, name in run['grid'].items())
        lines.append(
            f'## {place}{run["arm"]}, seed {run["seed"]} '
            f'({run["seconds"]} s)\n\n```\n{run["command"]}\n```\n'
        )
        if run.get('teacher'):
            lines.append(f'Teacher: `{run["teacher"]}`\n')
    return '\n'.join(lines)


def _behind(results: Sequence[dict]) -> list[Block]:
    """The same as blocks of a page."""
    columns: tuple[str, ...] = ('grid', 'arm', 'seed', 'seconds', 'teacher')
    rows: list[tuple[str, ...]] = []
    for run in results:
        place = ', '.join(f'{axis} {name}' for axis, name in run['grid'].items())
        seed, seconds = str(run['seed']), f'{run["seconds"]:.1f}'
        rows.append((place, run['arm'], seed, seconds, str(run.get('teacher') or '')))
    if not any(row[0] for row in rows):  # a study without a grid
        columns, rows = columns[1:], [row[1:] for row in rows]
    commands = '\n'.join(run['command'] for run in results)
    return [
        *map(Text, _versions(results)),
        Table(columns, rows, 'Every cell is one run.'),
        Code(commands, 'The commands, one a cell'),
    ]
