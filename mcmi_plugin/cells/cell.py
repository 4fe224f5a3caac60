"""One cell of a study or a sweep: an arm in a place of the grid with a seed."""

import contextlib
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook

from mcmi_plugin.commands import train
from mcmi_plugin.errors import UserError
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job_config import add_store_hook, job_config
from mcmi_plugin.locations import typed
from mcmi_plugin.provenance import versions
from mcmi_plugin.weights.held import TEACHER_FILE_KEY
from mcmi_plugin.whole_file import whole_file

RESULT_FILE = 'result.json'


@dataclass(frozen=True)
class Cell:
    """What to run, and where.

    Attributes:
        grid: {axis: name}.
        arm: its name.
        seed: of the student.
        config: path of the config that it starts from.
        options: what is set over it, by dotted key.
        words: the same as ``--cfg-options`` takes it.
        directory: of its log, checkpoints and result.
        fingerprint: hash of config, options and versions.
    """

    grid: dict[str, str]
    arm: str
    seed: int
    config: str
    options: dict
    words: Sequence[str]
    directory: Path
    fingerprint: str

    @property
    def name(self) -> str:
        """``delta 1, MCMI 0.5, seed 0``."""
        grid = [f'{axis} {name}' for axis, name in self.grid.items()]
        return ', '.join([*grid, self.arm, f'seed {self.seed}'])

    @property
    def command(self) -> str:
        """What runs this cell by hand, from the project's folder."""
        words = [*typed('train').split(), self.config]
        words += ['--work-dir', self.directory.as_posix()]
        return shlex.join([*words, '--cfg-options', *self.words])


def find_result(cell: Cell, measures: Mapping[str, dict]) -> dict | None:
    """The result of a cell that was finished before, with all of ``measures``."""
    path = cell.directory / RESULT_FILE
    if not path.is_file():
        return None
    result = json.loads(path.read_text())
    if result['fingerprint'] != cell.fingerprint:  # its folder holds a part of it
        raise UserError(
            f'{path} is of another run; remove it, or name another --work-dir'
        )
    # Its folder may have been moved since.
    result |= dict(directory=cell.directory.as_posix(), command=cell.command)
    done = result['measures']
    return result if all(done.get(n) == a for n, a in measures.items()) else None


def run_cell(
    cell: Cell,
    measures: Mapping[str, dict],
    functions: Mapping[str, Callable],
    hooks: Sequence[Hook] = (),
) -> dict:
    """Train and measure a cell, from wherever an earlier run of it has stopped.

    Args:
        measures: {name: arguments}.
        functions: {name: ``fn(runner, cfg, **arguments)``}; the answers are plain.
        hooks: that watch the student's training and change nothing.

    Returns:
        The result as it is kept in ``result.json``, whole or not at all:
        ``dict(grid, arm, seed, values={measure: value}, ...)``.

    Raises:
        UserError: as a run by hand would.
    """
    started = time.monotonic()
    path = cell.directory / RESULT_FILE
    if path.is_file():  # measured before, but not all that is asked for now
        measures = {**json.loads(path.read_text())['measures'], **measures}
    with quiet(cell.directory), isolated():
        cfg = job_config(cell.config, cell.options, cell.directory.as_posix())
        keep_outputs(cfg, cell.directory)
        # A teacher may be half made where the student has not begun.
        runner = train(cfg, resume=True, hooks=hooks)
        values = {
            name: functions[name](runner, cfg, **arguments)
            for name, arguments in measures.items()
        }
        teacher = runner.message_hub.runtime_info.get(TEACHER_FILE_KEY)
    result = dict(
        grid=cell.grid,
        arm=cell.arm,
        seed=cell.seed,
        values=values,
        measures=measures,
        command=cell.command,
        teacher=teacher,
        directory=cell.directory.as_posix(),
        fingerprint=cell.fingerprint,
        versions=dict(python=sys.version.split()[0], **versions()),
        seconds=round(time.monotonic() - started, 1),
    )
    with whole_file(path, 'w') as file:
        json.dump(result, file, indent=1)
    return result


def keep_outputs(cfg: Config, directory: Path) -> None:
    """Let students of one teacher share what it answers, where it can be kept.

    In float32, so that a cell is what its command gives by hand. A config that says
    ``teacher_store`` itself is left alone.
    """
    if cfg.get('teacher_store') is not None or 'teacher' not in cfg.model:
        return
    teachers = (cfg.get('mcmi') or {}).get('teacher_dir')
    beside = Path(teachers) if teachers else directory
    folder = beside.parent / 'teacher_outputs'
    cfg.teacher_store = dict(dtype='float32', dir=folder.as_posix())
    add_store_hook(cfg)


@contextlib.contextmanager
def quiet(folder: str | os.PathLike) -> Iterator[None]:
    """What a run prints goes to ``console.log`` in its folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with (
        open(Path(folder, 'console.log'), 'a') as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield


def slug(name: str) -> str:
    """A name as a folder's: ``'MCMI, lambda = 0.5'`` -> ``'mcmi-lambda-0.5'``."""
    return re.sub(r'[^a-z0-9.]+', '-', name.lower()).strip('-.') or '-'
