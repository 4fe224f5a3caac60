"""Tables on the screen and in Markdown, both by rich."""

import io
from typing import Any

import rich.table
from rich import box
from rich.console import Console
from rich.text import Text

from mcmi_plugin.shown.blocks import Table

_MOST = 20  # figures that a line can hold
_WIDE = 10_000  # characters, that no line of Markdown is broken


def printable(
    table: Table, title: str = '', right: bool = False, **look: Any
) -> rich.table.Table:
    """A table as rich prints it; no cell is taken for markup.

    Columns of numbers are set to the right, or with ``right`` all but the first.
    """
    made = rich.table.Table(title=title and Text(title), **look)
    made.caption = Text(table.caption) if table.caption else None
    for i, (name, numeric) in enumerate(zip(table.columns, table.numeric, strict=True)):
        to_right = i > 0 if right else numeric
        made.add_column(Text(name), justify='right' if to_right else 'left')
    for row in table.rows:
        made.add_row(*map(Text, row))
    return made


def as_markdown(table: Table) -> str:
    """The table without its caption, a line a row."""
    file = io.StringIO()
    bare = Table(table.columns, table.rows)
    Console(file=file, width=_WIDE).print(printable(bare, box=box.MARKDOWN))
    return file.getvalue().strip() + '\n'


def plain_metrics(metrics: dict) -> dict:
    """What an evaluator has computed, in lists where it is an array, as JSON takes it.

    A metric may be a number, a figure for each class, or a matrix.
    """
    return {name: _plain(value) for name, value in metrics.items()}


def print_metrics(title: str, metrics: dict) -> None:
    """A table of what an evaluator has computed."""
    rows = [(name, _shown(value)) for name, value in plain_metrics(metrics).items()]
    Console().print(printable(Table(('metric', 'value'), rows), title))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if hasattr(value, 'tolist') else value


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return f'{value:.4f}' if isinstance(value, (int, float)) else str(value)
    if len(value) > _MOST:
        return f'{len(value)} of them; --out FILE writes them'
    # A row of a matrix is a line.
    return ('\n' if value and isinstance(value[0], list) else ' ').join(
        f'{part:g}' if isinstance(part, int) else _shown(part) for part in value
    )
