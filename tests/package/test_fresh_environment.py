"""The wheel in a new environment, with all that it depends on from the index.

``pytest -n0 -m slow tests/package/test_fresh_environment.py``

With the oldest and the newest Python that is on the path.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT


def pythons() -> list[str]:
    """Of those that are supported, the ones that are there, the oldest first."""
    classifiers = (PROJECT / 'setup.cfg').read_text()
    supported = re.findall(r'Python :: (3\.\d+)$', classifiers, re.MULTILINE)
    found = [path for v in supported if (path := shutil.which(f'python{v}'))]
    # pyenv has a name on the path for each that is somewhere, selected or not.
    return [p for p in found if _works(p)]


def _works(python: str) -> bool:
    return not subprocess.run([python, '-c', ''], capture_output=True).returncode


@pytest.mark.slow
@pytest.mark.parametrize('which', ['oldest', 'newest'])
def test_wheel_with_every_extra_in_a_new_environment(which, tmp_path):
    there = pythons()
    if len(there) < 2 and which == 'oldest':
        pytest.skip('the newest Python is the only one here')

    def run(words, **kwargs):
        done = subprocess.run(
            list(map(str, words)),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            **kwargs,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run([there[0 if which == 'oldest' else -1], '-m', 'venv', 'new'])
    python = tmp_path / 'new/bin/python'
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    env |= dict(VIRTUAL_ENV=str(tmp_path / 'new'))
    # sdist first, then the wheel from it: what is not in the sdist is not there.
    run([python, '-m', 'pip', 'install', '-q', 'build'], env=env)
    run([python, '-m', 'build', '-q', '--outdir', tmp_path / 'dist', PROJECT], env=env)
    (wheel,) = (tmp_path / 'dist').glob('*.whl')
    wanted = f'{wheel}[report,sweep,export]'
    run([python, '-m', 'pip', 'install', '-q', wanted], env=env)
    run([python, '-m', 'pip', 'check'], env=env)
    run([python, '-c', 'import optuna, pytorch_grad_cam, onnx, onnxruntime'], env=env)
    (site,) = (tmp_path / 'new/lib').glob('python*/site-packages')
    quick_start = 'mcmi_plugin::mcmi/quickstart_digits.py'
    entry = python.parent / 'mcmi-plugin'
    printed = run([entry, 'train', quick_start], env=env)
    package = run([python, '-c', 'import mcmi_plugin as m; print(m.__file__)'], env=env)
    assert Path(package.splitlines()[-1]).is_relative_to(site)
    assert 'teacher, MCMI' in printed
    summary = tmp_path / 'work_dirs/quickstart_digits/mcmi/summary.json'
    rows = json.loads(summary.read_text())
    assert rows
