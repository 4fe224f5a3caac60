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

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def project() -> Path:
    return PROJECT


@pytest.fixture
def command(tmp_path):
    """Run one of the commands in ``tools/`` in an empty folder, for real."""

    def run(tool: str, *args, ok: bool = True, cwd=tmp_path, env=None):
        words = [sys.executable, str(PROJECT / 'tools' / tool), *map(str, args)]
        if tool.endswith('.sh'):
            words = ['bash', *words[1:]]
        bin_folder = str(Path(sys.executable).parent)
        full_env = {**os.environ, **(env or {})}
        full_env['PATH'] = bin_folder + os.pathsep + full_env['PATH']
        done = subprocess.run(
            words, cwd=cwd, env=full_env, capture_output=True, text=True, timeout=600
        )
        if ok:
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    return run
