"""What a page is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

_NUMBER = re.compile(
    r'[+\u2212-]?[\d,]+(\.\d+)?(e[+-]?\d+)?( ?%)?( (\+-|\u00b1) [\d.]+)?'
)
_LONG = 40  # characters


@dataclass(frozen=True)
class Table:
    """Cells as they are to be read; columns of numbers are set to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ''
    kind: ClassVar[str] = 'table'

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f'table {self.caption!r}: a row of {len(row)} cells under '
                    f'{len(self.columns)} columns'
                )

    @property
    def long(self) -> bool:
        """Whether a cell is so long that it may be broken anywhere."""
        return any(len(str(cell)) > _LONG for row in self.rows for cell in row)

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers only."""
        shown = [[str(row[i]) for row in self.rows] for i in range(len(self.columns))]
        filled = [[cell for cell in column if cell] for column in shown]
        return [bool(c) and all(map(_NUMBER.fullmatch, c)) for c in filled]


@dataclass(frozen=True)
class Picture:
    """A PNG, as bytes or a file, with the words that stand for it unseen."""

    png: bytes | Path
    alt: str
    caption: str = ''
    kind: ClassVar[str] = 'picture'


@dataclass(frozen=True)
class Text:
    """Paragraphs, parted by empty lines."""

    text: str
    kind: ClassVar[str] = 'text'


@dataclass(frozen=True)
class Code:
    """Lines as they are typed; with a summary, folded behind it."""

    text: str
    summary: str = ''
    kind: ClassVar[str] = 'code'


@dataclass(frozen=True)
class KeyFigures:
    """What to see first: (label, value, lines of what to hold it against)."""

    figures: Sequence[tuple[str, str, str]]
    kind: ClassVar[str] = 'figures'


@dataclass(frozen=True)
class Subheading:
    """A heading below that of the section."""

    text: str
    kind: ClassVar[str] = 'subheading'


@dataclass(frozen=True)
class Matrix:
    """[C, C] counts by true and predicted class; darker: a larger share of its row."""

    classes: Sequence[str]
    counts: Sequence[Sequence[int]]
    caption: str = ''
    kind: ClassVar[str] = 'matrix'

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, str, bool]]]]:
        """(class, [(count, shade from 0 to 1, right or not)]), row by row."""
        return [
            (name, [_shaded(count, row, c == i) for c, count in enumerate(row)])
            for i, (name, row) in enumerate(zip(self.classes, self.counts, strict=True))
        ]


Block = Table | Picture | Text | Code | KeyFigures | Subheading | Matrix


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]


def _shaded(count: int, row: Sequence[int], right: bool) -> tuple[int, str, bool]:
    # The root: one mistake in a hundred is to be seen.
    share = (count / max(sum(row), 1)) ** (1 if right else 1 / 3)
    return count, f'{share:.3f}', right
