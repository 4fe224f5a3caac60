"""How far a training is and how long it will take, on a terminal."""

import atexit
import logging
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn

from mcmi_plugin.job import iterations_after, place_of
from mcmi_plugin.shown.progress import clock, time_left

REFRESH = 2  # a second


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """A bar below the log's lines, on a terminal only, and of the main process.

    It asks the Runner how far it is when the bar is drawn; the steps know nothing
    of it. A log file has the ``eta`` of mmengine's lines. The time that is left is
    reckoned from this run's iterations, validation included; that of the whole job
    takes the iterations of the stages that follow to be as long.
    """

    # Begins after, and is gone before, what other hooks show.
    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.bar: TrainingBar | None = None
        self._of_validation = False
        self._streams: list[tuple[logging.StreamHandler, Any]] = []

    def before_train(self, runner: Runner) -> None:
        self.begun = runner.iter, time.monotonic()

    def before_train_epoch(self, runner: Runner) -> None:
        # soft_wrap: a command in a line of the log can be copied as it is.
        console = Console(file=sys.stdout, soft_wrap=True)
        # A study's cell prints into a file, whatever FORCE_COLOR says.
        if not sys.stdout.isatty() or console.is_dumb_terminal or not is_main_process():
            return
        self.bar = TrainingBar(runner, console, *self.begun)
        self.bar.start()
        console.show_cursor(True)  # or whatever ends the process would leave none
        atexit.register(self._stop)
        # The log's lines would go to the terminal past the bar, and through it.
        for handler in runner.logger.handlers:
            if getattr(handler, 'stream', None) is console.file:
                self._streams.append((handler, handler.setStream(sys.stdout)))

    def before_val_epoch(self, runner: Runner) -> None:
        if self.bar is None and hasattr(self, 'begun'):
            self.before_train_epoch(runner)
            self._of_validation = True

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self._of_validation:  # not in the midst of training by iterations
            self._stop()

    def after_train_epoch(self, runner: Runner) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar is None:
            return
        for handler, stream in self._streams:
            handler.setStream(stream)
        self.bar.stop()
        atexit.unregister(self._stop)
        self.bar, self._streams, self._of_validation = None, [], False


class TrainingBar(Progress):
    """A bar of a Runner's iterations that looks for itself.

    Args:
        started: by the monotonic clock, in seconds.
    """

    def __init__(
        self, runner: Runner, console: Console, first: int, started: float
    ) -> None:
        self.runner, self.first, self.started = runner, first, started
        super().__init__(
            TextColumn('{task.description}', markup=False),
            BarColumn(bar_width=20),
            TextColumn('{task.fields[left]}', markup=False),
            console=console,
            refresh_per_second=REFRESH,
            transient=True,
        )
        name = place_of(runner).words or Path(runner.work_dir).name
        self.add_task(name, total=runner.max_iters, left='')

    def get_renderables(self) -> Iterable[RenderableType]:
        done = self.runner.iter
        epoch = min(self.runner.epoch + 1, self.runner.max_epochs)
        text = f'epoch {epoch}, {self._left(done)}'
        for task in self.tasks:  # none yet, when rich first asks
            task.completed, task.fields['left'] = done, text
        return super().get_renderables()

    def _left(self, done: int) -> str:
        seconds, here = time.monotonic() - self.started, done - self.first
        left = self.runner.max_iters - done
        words = time_left(seconds, here, here + left)
        after = iterations_after(self.runner)
        if here and after:
            words += f', job {clock(seconds * (left + after) / here)}'
        return words
