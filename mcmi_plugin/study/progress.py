"""How far a study has come and how long it will take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn


class StudyProgress:
    """Cells done, of all; the remaining time from those of this run.

    Args:
        console: a terminal shows a bar, which moves with every epoch, anything
            else a line at the end of each cell.
        total: number of cells.
        ready: how many of them were finished before.
        bar: of a terminal.
    """

    def __init__(
        self, console: Console, total: int, ready: int, bar: Progress | None
    ) -> None:
        self.console = console
        self.total = total
        self.ready = ready
        self.done = 0
        self.bar = bar
        self.task = None
        if bar is not None:
            self.task = bar.add_task('', total=total, completed=ready)
        self._started = self._begun = time.monotonic()
        self._name = ''

    def begin(self, name: str) -> None:
        """A cell begins."""
        self._name, self._begun = name, time.monotonic()
        self.move(0)

    def move(self, share: float) -> None:
        """So much of the student's epochs is done."""
        if self.bar is not None and self.task is not None:
            text = f'{self._left(self.done + share)}; {self._name}'
            completed = self.ready + self.done + share
            self.bar.update(self.task, completed=completed, description=text)

    def end(self, line: str) -> None:
        """The cell has ended."""
        self.done += 1
        line = f'{self._name}: {line} ({time.monotonic() - self._begun:.1f} s)'
        if self.bar is None:
            line = f'[{self.ready + self.done}/{self.total}] {line}; '
            line += self._left(self.done)
        self.console.print(line, soft_wrap=True, markup=False, highlight=False)
        self.move(0)

    def _left(self, done: float) -> str:
        if not done:
            return 'remaining time not known yet'
        per_cell = (time.monotonic() - self._started) / done
        left = round(per_cell * (self.total - self.ready - done))
        return f'about {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left'


@contextmanager
def shown(console: Console, total: int, ready: int) -> Iterator[StudyProgress]:
    """The progress of a study, on the screen until it ends."""
    if not console.is_terminal:
        yield StudyProgress(console, total, ready, None)
        return
    words = TextColumn('{task.description}', markup=False)
    with Progress(BarColumn(), MofNCompleteColumn(), words, console=console) as bar:
        yield StudyProgress(console, total, ready, bar)


class Watch(Hook):
    """Tell a study how far the student's training is."""

    def __init__(self, progress: StudyProgress) -> None:
        self.progress = progress

    def after_train_epoch(self, runner: Runner) -> None:
        self.progress.move((runner.epoch + 1) / runner.max_epochs)
