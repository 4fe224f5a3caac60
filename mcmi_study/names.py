"""Names in a study: of arms, grid values and measures, and of their folders."""

import difflib
from collections.abc import Iterable

from mcmi_plugin.cells.cell import slug
from mcmi_plugin.errors import UserError


def require_known(name: str, known: Iterable[str], what: str, where: str) -> None:
    """Raise a UserError with the closest name where ``name`` is not ``known``."""
    known = list(known)
    if name in known:
        return
    close = difflib.get_close_matches(str(name), known, 1, cutoff=0.5)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    there = ', '.join(map(str, known)) or 'none'
    raise UserError(f'{where}: there is no {what} {name!r}{hint} (there are: {there})')


def require_distinct(names: list[str], what: str, where: str) -> None:
    """Raise a UserError where two names are the same, or their folders."""
    folders: dict[str, str] = {}
    for name in names:
        other = folders.setdefault(slug(name), name)
        if names.count(name) > 1:
            raise UserError(
                f'{where}: two {what} are called {name!r}; give each a name of its own'
            )
        if other != name:
            raise UserError(
                f'{where}: the {what} {other!r} and {name!r} would share the folder '
                f'{slug(name)!r}; rename one'
            )


def separated(text: str, known: Iterable[str]) -> list[str]:
    """The names in ``'A,B'``; a known name may hold commas of its own.

    What is unknown is returned as it stands between two commas.
    """
    known = set(known)
    parts = text.split(',')
    names = []
    while parts:
        lengths = range(len(parts), 0, -1)
        length = next((n for n in lengths if ','.join(parts[:n]) in known), 1)
        names.append(','.join(parts[:length]))
        parts = parts[length:]
    return names
