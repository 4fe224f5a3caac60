"""Runs the commands of ``tools/`` in processes of their own that start at once.

Importing torch and OpenMMLab takes longer than most of what the commands are asked
to do in a test. This process imports them once and forks for every command, which
is then the real script, run as ``__main__``.

One line of JSON comes in for each command (``tool``, ``args``, ``cwd``, ``env``,
``stdout``, ``stderr``), the exit status goes out.
"""

import functools
import gc
import json
import multiprocessing
import os
import runpy
import sys

import mmengine.config.utils
from mmengine.hub import get_config

import mcmi_plugin.commands  # noqa: F401  and all of OpenMMLab with it

TIME_LIMIT = 600  # seconds


def keep_model_index() -> None:
    """mmengine parses 85 metafiles anew for each ``mmpretrain::`` in a config."""
    mmengine.config.utils.load = functools.cache(mmengine.config.utils.load)
    get_config('mmpretrain::resnet/resnet18_8xb32_in1k.py')


def run(request: dict) -> None:
    """Make this process what a new one of that command would be, and run it."""
    os.chdir(request['cwd'])
    os.environ.clear()
    os.environ.update(request['env'])
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = [request['tool'], *request['args']]
    sys.orig_argv = [sys.executable, *sys.argv]
    sys.path[0] = os.path.dirname(request['tool'])
    runpy.run_path(request['tool'], run_name='__main__')


if __name__ == '__main__':
    keep_model_index()
    gc.freeze()  # or each child's collector would copy and visit all of it
    fork = multiprocessing.get_context('fork')
    for line in sys.stdin:
        process = fork.Process(target=run, args=(json.loads(line),))
        process.start()
        process.join(TIME_LIMIT)
        if process.exitcode is None:
            process.kill()
            process.join()
        print(process.exitcode, flush=True)
