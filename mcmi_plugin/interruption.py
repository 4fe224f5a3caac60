"""SIGTERM and SIGINT end a command with the line that continues it."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from mmengine.dist import get_rank

from mcmi_plugin.last_checkpoint import LAST_CHECKPOINT
from mcmi_plugin.locations import script_at

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """Note a signal and raise KeyboardInterrupt where the command is.

    KeyboardInterrupt for both: no ``except Exception`` stops it on its way, and
    torch's loading workers, which inherit the handlers, end silently by it.

    Attributes:
        signal: the one that has come, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._started = time.time()
        for number in _SIGNALS:
            signal.signal(number, self._note)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        sys.unraisablehook = self._raise_again

    def _note(self, number: int, frame) -> None:
        self.signal = signal.Signals(number)
        raise KeyboardInterrupt

    def _raise_again(self, lost) -> None:
        # Python drops what is raised in a destructor, or where a worker is forked.
        if self.signal is None:
            sys.__unraisablehook__(lost)
        elif isinstance(lost.exc_value, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        # Else a loader that has seen its workers end: by the same signal.

    def leave(self, args: argparse.Namespace) -> NoReturn:
        """Print the one line and exit with 128 + signal."""
        assert self.signal is not None
        # A second one would interrupt the line; and torch raises when a worker ends.
        for number in (*_SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if get_rank() == 0:
            lost = 'what came after the last checkpoint is lost; ' * ('resume' in args)
            print(
                f'interrupted by {self.signal.name}; {lost}continue with: '
                f'{self._continuing(args)}',
                file=sys.stderr,
                flush=True,
            )
        sys.exit(128 + self.signal)

    def _continuing(self, args: argparse.Namespace) -> str:
        # The last --resume counts, so one without a file overrides one with a file;
        # that file is what to go on from until this run has saved another.
        launcher = getattr(args, 'launcher', 'none')
        if launcher == 'slurm':  # what srun was given, no process of it knows
            flag = ' with --resume' * ('resume' in args)
            return f'the same job, submitted again{flag}'
        words = list(sys.orig_argv)
        if 'resume' in args and (
            args.resume is None
            or (args.resume != 'auto' and self._has_saved(args.work_dir))
        ):
            words.append('--resume')
        if launcher == 'pytorch':
            script = words[script_at(words) :]
            words = ['torchrun', *_machines(os.environ), *script]
        return shlex.join(words)

    def _has_saved(self, work_dir: str | None) -> bool:
        record = Path(work_dir or '', LAST_CHECKPOINT)
        return record.is_file() and record.stat().st_mtime > self._started


def _machines(told: Mapping[str, str]) -> list[str]:
    """The flags of torchrun, from the variables that it gives to each process."""
    flags = [f'--nproc-per-node={told.get("LOCAL_WORLD_SIZE", "1")}']
    if int(told.get('GROUP_WORLD_SIZE', '1')) > 1:
        flags += [
            f'--nnodes={told["GROUP_WORLD_SIZE"]}',
            f'--node-rank={told.get("GROUP_RANK", "0")}',
            f'--master-addr={told.get("MASTER_ADDR", "127.0.0.1")}',
            f'--master-port={told.get("MASTER_PORT", "29500")}',
        ]
    return flags
