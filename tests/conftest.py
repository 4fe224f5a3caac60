"""What all tests share: one thread, the project's folder, and its commands."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

# Before torch is imported: the machine's cores are shared by several workers.
os.environ.setdefault('OMP_NUM_THREADS', '1')

import pytest
from filelock import FileLock
from hypothesis import settings

import mcmi_plugin  # noqa: F401  so that every config can be read
from mcmi_plugin.isolation import isolated

# The same examples in every run: what failed once, fails again.
settings.register_profile('same', derandomize=True)
settings.load_profile('same')

PROJECT = Path(__file__).resolve().parent.parent


# Of a file as well: what its own fixtures build comes before that of any test.
@pytest.fixture(autouse=True, scope='module')
def _no_runner_of_this_file_stays():
    """A Runner leaves its scope as the current one, where names mean other things."""
    with isolated():
        yield


@pytest.fixture(autouse=True)
def _no_runner_of_this_test_stays():
    with isolated():
        yield


@pytest.fixture(scope='session')
def project() -> Path:
    return PROJECT


def run_tool(
    tool: str, *args, cwd: Path, ok: bool = True, env: dict | None = None, server=None
):
    """Run one of the commands in ``tools/`` for real and return what it did.

    Args:
        tool: file name of the command.
        *args: its arguments.
        cwd: folder that it runs in.
        ok: demand exit status 0.
        env: environment variables besides the present ones.
        server: of the fixture of that name; without one, and for a shell script,
            the process is a new one.
    """
    words = [sys.executable, str(PROJECT / 'tools' / tool), *map(str, args)]
    if tool.endswith('.sh'):
        words[0] = 'bash'
    full_env = {**os.environ, **(env or {})}
    full_env['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{full_env["PATH"]}'
    if server is not None and tool.endswith('.py'):
        done = server(words, str(cwd), full_env)
    else:
        done = subprocess.run(
            words, cwd=cwd, env=full_env, capture_output=True, text=True, timeout=1800
        )
    if ok:
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    done.cwd = Path(cwd)
    return done


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    """Commands in processes that are forked when all is imported already."""
    folder = tmp_path_factory.mktemp('command_server')
    files = {name: str(folder / name) for name in ('stdout', 'stderr')}
    process = subprocess.Popen(
        [sys.executable, PROJECT / 'tests/tools/command_server.py'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(words: list[str], cwd: str, env: dict) -> subprocess.CompletedProcess:
        request = dict(tool=words[1], args=words[2:], cwd=cwd, env=env, **files)
        print(json.dumps(request), file=process.stdin, flush=True)
        status = int(process.stdout.readline())
        said = {name: Path(file).read_text() for name, file in files.items()}
        return subprocess.CompletedProcess(words, status, **said)

    yield run
    process.kill()
    process.wait()


@pytest.fixture
def command(tmp_path, server):
    """``command('train.py', CONFIG, ...)``, in an empty folder."""

    def run(tool: str, *args, **kwargs):
        cwd = kwargs.pop('cwd', tmp_path)
        return run_tool(tool, *args, cwd=cwd, server=server, **kwargs)

    return run


@pytest.fixture
def free_port() -> str:
    """A port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


QUICKSTART = PROJECT / 'configs/mcmi/quickstart_digits.py'


@pytest.fixture(scope='session')
def quickstart(tmp_path_factory):
    """The quick start, run once: its folders, and what it printed as ``.stdout``."""
    shared = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        shared = shared.parent  # of all workers
    folder = shared / 'quickstart'
    printed = folder / 'printed.txt'
    with FileLock(shared / 'quickstart.lock'):
        if not printed.is_file():
            folder.mkdir(exist_ok=True)
            done = run_tool('train.py', QUICKSTART, cwd=folder)
            printed.write_text(done.stdout)
    return SimpleNamespace(
        stdout=printed.read_text(),
        work_dir=folder / 'work_dirs/quickstart_digits',
        teachers=folder / 'work_dirs/mcmi_teachers',
    )
