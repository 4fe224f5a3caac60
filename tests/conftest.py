"""What all tests share: one thread, the project's folder, and its commands."""

import os
import subprocess
import sys
from pathlib import Path

# Before torch is imported: the machine's cores are shared, and results of a run
# are compared bit by bit.
os.environ['OMP_NUM_THREADS'] = '1'

import pytest

import mcmi_plugin  # noqa: F401  so that every config can be read
from mcmi_plugin.teacher.stage import isolated

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _leave_no_runner_behind():
    """A Runner leaves its scope as the current one, where names mean other things."""
    with isolated():
        yield


@pytest.fixture(scope='session')
def project() -> Path:
    return PROJECT


def run_tool(tool: str, *args, cwd: Path, ok: bool = True, env: dict | None = None):
    """Run one of the commands in ``tools/`` for real and return what it did."""
    words = [sys.executable, str(PROJECT / 'tools' / tool), *map(str, args)]
    if tool.endswith('.sh'):
        words = ['bash', *words[1:]]
    full_env = {**os.environ, **(env or {})}
    full_env['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{full_env["PATH"]}'
    done = subprocess.run(
        words, cwd=cwd, env=full_env, capture_output=True, text=True, timeout=600
    )
    if ok:
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    done.cwd = Path(cwd)
    return done


@pytest.fixture
def command(tmp_path):
    """``command('train.py', CONFIG, ...)``, in an empty folder."""

    def run(tool: str, *args, **kwargs):
        return run_tool(tool, *args, cwd=kwargs.pop('cwd', tmp_path), **kwargs)

    return run


QUICKSTART = PROJECT / 'configs/mcmi/quickstart_digits.py'


@pytest.fixture(scope='session')
def quickstart(tmp_path_factory):
    """The quick start, run once: its folder, and what it printed as ``.stdout``."""
    folder = tmp_path_factory.mktemp('quickstart')
    done = run_tool('train.py', QUICKSTART, cwd=folder)
    done.work_dir = folder / 'work_dirs/quickstart_digits'
    done.teachers = folder / 'work_dirs/mcmi_teachers'
    return done
