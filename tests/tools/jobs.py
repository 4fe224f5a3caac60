"""Commands that are killed or interrupted while they run, and how they end."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from conftest import PROJECT

from mcmi_plugin.weights.file import load_checkpoint_file

# Crops, flips and stochastic depth, in 2 + 2 + 3 short epochs.
CONFIG = PROJECT / 'tests/shaken_quickstart.py'
STUDENT = 'work_dirs/shaken_quickstart'
MLL = 'work_dirs/mcmi_teachers/*-mll-*'
MCMI = 'work_dirs/mcmi_teachers/*-mcmi-*'


class Job:
    """A command, running on its own in ``folder``; by default ``train.py CONFIG``."""

    def __init__(self, folder: Path, *words, env: dict | None = None) -> None:
        words = words or (sys.executable, PROJECT / 'tools/train.py', CONFIG)
        self.folder = folder
        path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
        self.log = (folder / 'log.txt').open('w')
        self.process = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, 'PATH': path, **(env or {})},
        )

    def wait_for(self, pattern: str) -> Path:
        """The first file of that name, as soon as it is there."""
        deadline = time.time() + 1800
        while not (found := sorted(self.folder.glob(pattern))):
            assert self.process.poll() is None, self.text()[-3000:]
            assert time.time() < deadline, f'{pattern} never appeared'
            time.sleep(0.01)
        return found[0]

    def wait_to_read(self, words: str) -> None:
        """Until the command has printed them."""
        deadline = time.time() + 1800
        while words not in self.text():
            assert self.process.poll() is None, self.text()[-3000:]
            assert time.time() < deadline, f'{words!r} never appeared'
            time.sleep(0.01)

    def end(self, number: int | None = None) -> int:
        """Send a signal, if one is given, and wait; the exit status."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=1800)
        self.log.close()
        return status

    def text(self) -> str:
        return (self.folder / 'log.txt').read_text()


def outcome(folder: Path) -> dict:
    """Everything that has to come out the same."""
    files = [next(folder.glob(f'{stage}/teacher.pth')) for stage in (MLL, MCMI)]
    files.append(folder / STUDENT / 'epoch_3.pth')
    names = {p.relative_to(folder) for p in folder.rglob('*.pth')}
    return dict(
        weights=[load_checkpoint_file(file)['state_dict'] for file in files],
        files=sorted(map(str, names | set(folder.rglob('*.tmp')))),
        summary=json.loads((folder / STUDENT / 'mcmi/summary.json').read_text()),
    )


def assert_same(folder: Path, other: Path) -> None:
    first, second = outcome(folder), outcome(other)
    for one, two in zip(first.pop('weights'), second.pop('weights'), strict=True):
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert first == second
