"""How far an audit is, and how long it will take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

EVERY = 30.0  # seconds between two lines where there is no terminal


@contextmanager
def shown(console: Console, total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar over the samples of all passes, until it ends.

    Args:
        console: a terminal shows a bar with the time left, anything else a line
            now and then.
        total: samples of all passes together.

    Yields:
        A function of the pass's name and the number of samples that are done.
    """
    if not console.is_terminal:
        yield Lines(console, total)
        return
    columns = (
        TextColumn('{task.description}', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task('', total=total)
        yield lambda name, done: bar.update(task, advance=done, description=name)


class Lines:
    """``training set: 5120 of 10240 samples, about 0:01:30 left``, now and then."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.total = total
        self.done = 0
        self._started = self._said = time.monotonic()

    def __call__(self, name: str, done: int) -> None:
        self.done += done
        now = time.monotonic()
        if now - self._said < EVERY and self.done < self.total:
            return
        self._said = now
        left = round((now - self._started) * (self.total - self.done) / self.done)
        self.console.print(
            f'{name}: {self.done} of {self.total} samples, about '
            f'{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left'
        )
