"""The one exception whose text is meant for the person at the keyboard."""

from collections.abc import Sequence


class UserError(ValueError):
    """Something the user can put right.

    The message is one line that names the config key or the file at fault and
    the remedy; the commands in ``tools/`` print it without a traceback and
    exit with a status other than 0.
    """


def one_line(error: BaseException, most: int | None = None) -> str:
    """An error of others for a line of ours.

    Args:
        error: a bare ``assert`` has no text, torch's have many lines.
        most: characters of it to show; None: all.

    Returns:
        Its text without breaks, or where it has none the name of its type.
    """
    text = ' '.join(str(error).split()) or type(error).__name__
    return text if most is None or len(text) <= most else f'{text[:most].rstrip()}...'


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, for a line: ``a, b, c, ...``."""
    return ', '.join(names[:most]) + ', ...' * (len(names) > most)


def unlike(missing: Sequence[str], foreign: Sequence[str]) -> str:
    """``2 missing (a, b); 1 foreign (c)``: how names differ from those wanted."""
    kinds = (('missing', missing), ('foreign', foreign))
    return '; '.join(f'{len(n)} {kind} ({some_of(n)})' for kind, n in kinds if n)
