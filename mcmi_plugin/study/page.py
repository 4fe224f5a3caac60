"""A study's table, verdicts, pictures and provenance as one page to look at."""

import json
from collections.abc import Sequence
from pathlib import Path

from mcmi_plugin.report.blocks import Block, Code, Picture, Section, Table, Text
from mcmi_plugin.report.page import write_page


def write_study_page(
    path: Path,
    title: str,
    table: Table,
    verdicts: Sequence[str],
    pictures: Sequence[Path],
    results: Sequence[dict],
) -> None:
    """Write the page of a study.

    Args:
        path: of the page.
        title: of the study.
        table: its figures.
        verdicts: what follows from them, a line each.
        pictures: PNG files of its figures.
        results: of every cell, as ``result.json`` keeps them.

    Raises:
        UserError: the page cannot be written.
    """
    found: list[Block] = [Text('\n\n'.join(verdicts)), table]
    drawn: list[Block] = [
        Picture(picture, f'{_words(picture)}; its figures are in the table')
        for picture in pictures
    ]
    parts = [Section('What was found', found)]
    if drawn:
        parts.append(Section('Pictures', drawn))
    parts.append(Section('Behind each number', _provenance(results)))
    cells = f'{len(results)} {"cell" if len(results) == 1 else "cells"}'
    write_page(path, title, parts, f'{cells}, each one command')


def _words(picture: Path) -> str:
    """``figure1_per_class.png``: Figure 1: per class."""
    number, _, kind = picture.stem.removeprefix('figure').partition('_')
    return f'Figure {number}: {kind.replace("_", " ")}'


def _provenance(results: Sequence[dict]) -> list[Block]:
    blocks: list[Block] = []
    for text in sorted({json.dumps(r['versions'], sort_keys=True) for r in results}):
        named = ', '.join(f'{name} {v}' for name, v in json.loads(text).items())
        blocks.append(Text(f'Versions: {named}.'))
    rows: list[tuple[str, ...]] = []
    commands = []
    for result in results:
        place = ', '.join(f'{axis} {name}' for axis, name in result['grid'].items())
        seed, seconds = str(result['seed']), f'{result["seconds"]:.1f}'
        teacher = str(result.get('teacher') or '')
        rows.append((place, result['arm'], seed, seconds, teacher))
        commands.append(result['command'])
    columns: tuple[str, ...] = ('grid', 'arm', 'seed', 'seconds', 'teacher')
    if not any(row[0] for row in rows):  # a study without a grid
        columns, rows = columns[1:], [row[1:] for row in rows]
    return [
        *blocks,
        Table(columns, rows, 'Every cell is one run.'),
        Code('\n'.join(commands), 'The commands, one a cell'),
    ]
