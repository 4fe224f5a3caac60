"""The pages, and the commands in their ```bash blocks."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from conftest import PROJECT

README = PROJECT / 'README.md'
PAGES = [README, *sorted((PROJECT / 'docs').glob('*.md'))]
_FENCED = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r'# ([\w/]+\.py)\n')


@dataclass(frozen=True)
class Block:
    """A ```bash block: its commands are run one after the other in one folder."""

    page: Path
    line: int
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        return f'{self.page.name}:{self.line}'


def blocks(page: Path) -> list[Block]:
    """The blocks of a page with at least one command."""
    text = page.read_text()
    found = [
        Block(page, text.count('\n', 0, match.start()) + 1, commands_in(match[2]))
        for match in _FENCED.finditer(text)
        if match[1] == 'bash'
    ]
    return [block for block in found if block.commands]


def commands_in(text: str) -> tuple[str, ...]:
    """Lines with continuations joined and comments gone; one that says ``A && B`` is
    two commands."""
    joined = re.sub(r'\\\n\s*', '', text)
    commands = []
    for line in joined.splitlines():
        for part in line.split(' && '):
            words = shlex.split(part, comments=True)
            if words:
                commands.append(' '.join(shlex.quote(word) for word in words))
    return tuple(commands)


def files_in(page: Path) -> dict[str, str]:
    """Files that a page shows: ```python blocks that begin with ``# NAME.py``."""
    found = {}
    for language, text in _FENCED.findall(page.read_text()):
        if language == 'python' and (named := _NAMED.match(text)):
            found[named[1]] = text
    return found


def tables_in(page: Path) -> list[list[list[str]]]:
    """The tables of a page, each its rows of cells; the first row is the header."""
    tables: list[list[list[str]]] = []
    before = ''
    for line in _FENCED.sub('', page.read_text()).splitlines():
        if line.startswith('|') and not before.startswith('|'):
            tables.append([])
        if line.startswith('|') and set(line) - set('|-: '):
            tables[-1].append([cell.strip() for cell in line.strip('|').split('|')])
        before = line
    return tables


def words_of(page: Path) -> str:
    """Its text, wherever its lines end."""
    return ' '.join(page.read_text().split())


ALL = [block for page in PAGES for block in blocks(page)]
