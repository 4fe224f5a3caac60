"""How far something is, and how long it will take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

NOT_KNOWN = 'remaining time not known yet'
EVERY = 30.0  # seconds between two lines where there is no terminal


def duration(seconds: float) -> str:
    """``47 s``, ``8 min 11 s``, ``3 h 12 min``, ``2 d 3 h``: two parts at most."""
    left = round(seconds)
    parts: list[str] = []
    for name, size in (('d', 86400), ('h', 3600), ('min', 60), ('s', 1)):
        number, left = divmod(left, size)
        if number or (name == 's' and not parts):
            parts.append(f'{number}\u00a0{name}')
    return '\u00a0'.join(parts[:2])


def clock(seconds: float) -> str:
    """``1:05:09``: hours, minutes and seconds."""
    left = round(seconds)
    return f'{left // 3600}:{left // 60 % 60:02}:{left % 60:02}'


def time_left(seconds: float, done: float, all_of_it: float) -> str:
    """``about 0:01:30 left``, where ``done`` of all took so many seconds."""
    if not done:
        return NOT_KNOWN
    return f'about {clock(seconds * (all_of_it - done) / done)} left'


class Advance:
    """So much of a whole is done; the time left follows from what was done here.

    Args:
        console: a terminal has a bar, anything else only the lines that are said.
        ready: how many of it were there before.
    """

    def __init__(self, console: Console, total: int, ready: int, bar: Progress) -> None:
        self.console, self.total, self.ready, self.bar = console, total, ready, bar
        self.done: float = ready
        self.started = time.monotonic()
        self._task = bar.add_task('', total=total, completed=ready)

    @property
    def left(self) -> str:
        """``about 0:01:30 left``, or that it is not known yet."""
        seconds = time.monotonic() - self.started
        return time_left(seconds, self.done - self.ready, self.total - self.ready)

    def move(self, done: float, words: str = '') -> None:
        """So much is done now, of all; ``words`` stand beside the bar."""
        self.done = done
        words = f'{self.left}; {words}' if words else self.left
        self.bar.update(self._task, completed=done, description=words)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.console.print(line, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def advancing(console: Console, total: int, ready: int = 0) -> Iterator[Advance]:
    """What tells how far something is, with a bar on a terminal until it ends."""
    words = TextColumn('{task.description}', markup=False)
    columns = BarColumn(), MofNCompleteColumn(), words
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield Advance(console, total, ready, bar)


@contextmanager
def counting(
    console: Console, total: int, ready: int = 0, unit: str = 'samples'
) -> Iterator[Callable[[str, int], None]]:
    """A bar over all that is counted, or without a terminal a line now and then.

    Yields:
        A function of what is under way and of how many more are done.
    """
    with advancing(console, total, ready) as progress:
        said = progress.started

        def advance(name: str, more: int) -> None:
            nonlocal said
            done, now = min(progress.done + more, total), time.monotonic()
            progress.move(done, name)
            if not console.is_terminal and (now - said >= EVERY or done >= total):
                said = now
                progress.say(f'{name}: {done} of {total} {unit}, {progress.left}')

        yield advance
