"""From the command to the first update of weights, against bare imports.

Ours is ``tools/train.py`` with the quick start's config in a process of its own,
which leaves at the first update; the baseline imports what it is built on. Both
processes find the files in the operating system's cache.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Contest, Difference
from mcmi_plugin.locations import CONFIGS, TOOLS

QUICK_START = CONFIGS / 'mcmi/quickstart_digits.py'
FIRST_UPDATE = 'first update of weights'
# The command itself; what is changed is where it ends.
UP_TO_FIRST_UPDATE = f"""
import os, runpy, sys
import mcmi_plugin
from mmengine.optim import OptimWrapper
update = OptimWrapper.update_params
def last(*args, **kwargs):
    update(*args, **kwargs)
    print('{FIRST_UPDATE}', flush=True)
    os._exit(0)
OptimWrapper.update_params = last
runpy.run_path(sys.argv[0], run_name='__main__')
"""
IMPORTS = 'import torch, torchvision, mmengine, mmpretrain'


def contests(config: Path = QUICK_START) -> Iterator[Contest]:
    """The quick start, cold: nothing in its work dir."""
    train = TOOLS / 'train.py'
    start = partial(_run, UP_TO_FIRST_UPDATE, str(train), str(config))
    imports = partial(_run, IMPORTS)

    def check() -> None:
        require_first_update(start())
        imports()

    yield Contest(
        'startup',
        start,
        imports,
        check,
        ours_is=f'{config.name}, to the first update of weights',
        baseline_is=IMPORTS,
        rounds=3,
        unit='start',
    )


def require_first_update(done: subprocess.CompletedProcess) -> None:
    """Raise :class:`Difference` if the command ended before its first update."""
    if FIRST_UPDATE not in done.stdout.splitlines():
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise Difference(f'the command never came to its first update: {last}')


def _run(code: str, *argv: str) -> subprocess.CompletedProcess:
    """Python code in a process, in an empty folder, on one thread."""
    # -c leaves '-c' in sys.argv[0]; the command finds its own name there.
    code = f'import sys; sys.argv = {list(argv)}\n{code}'
    env = {**os.environ, 'OMP_NUM_THREADS': '1'}
    path = [str(CONFIGS.parent), env.get('PYTHONPATH', '')]
    env['PYTHONPATH'] = os.pathsep.join(filter(None, path))
    with TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, '-c', code],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
        )
