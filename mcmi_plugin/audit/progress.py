"""How far the passes of an audit are."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from mcmi_plugin.shown.progress import advancing

EVERY = 30.0  # seconds between two lines where there is no terminal


@contextmanager
def shown(console: Console, total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar over the samples of all passes, or without a terminal a line now and then.

    Yields:
        A function of the pass's name and the number of samples that are done.
    """
    with advancing(console, total) as progress:
        said = progress.started

        def advance(name: str, samples: int) -> None:
            nonlocal said
            done, now = progress.done + samples, time.monotonic()
            progress.move(done, name)
            if not console.is_terminal and (now - said >= EVERY or done >= total):
                said = now
                progress.say(f'{name}: {done} of {total} samples, {progress.left}')

        yield advance
