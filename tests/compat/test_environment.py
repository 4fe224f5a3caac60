"""Variables of notebooks and containers that would end an import."""

import os
import subprocess
import sys

from conftest import PROJECT

TRAIN = str(PROJECT / 'tools/train.py')
NO_BACKEND = {'MPLBACKEND': 'module://of_a_notebook.backend'}


def test_a_command_does_not_take_a_notebooks_way_to_draw():
    done = subprocess.run(
        [sys.executable, TRAIN, '--help'],
        env=os.environ | NO_BACKEND | {'PYTHONPATH': str(PROJECT)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


def test_nobody_knows_a_home(tmp_path):
    """As of a user that is not in passwd."""
    code = (
        'import pwd\n'
        'def nobody(*args): raise KeyError\n'
        'pwd.getpwuid = nobody\n'
        'import mcmi_plugin, os\n'
        'print(os.path.expanduser("~"))\n'
    )
    env = {k: v for k, v in os.environ.items() if k not in ('HOME', 'XDG_CACHE_HOME')}
    done = subprocess.run(
        [sys.executable, '-c', code],
        env=env | {'PYTHONPATH': str(PROJECT), 'TMPDIR': str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path)
