"""Every line of every ```bash block in README.md and docs/ is run for real."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, run_tool
from pages import ALL, Block, commands_in, files_in
from readers_folder import copy, lay_out
from shortened import ELSEWHERE, INSTEAD, MORE, NOT_RUN, SAYS, SLOW, STANDS_FOR

TABLES = {
    'MORE': MORE,
    'INSTEAD': INSTEAD,
    'ELSEWHERE': ELSEWHERE,
    'SLOW': SLOW,
    'NOT_RUN': NOT_RUN,
    'SAYS': SAYS,
}


def plain(command: str) -> str:
    """As the tables' keys: without the quotes that a word does not need."""
    (only,) = commands_in(command)
    return only


RUN_ELSEWHERE = {plain(command) for table in (ELSEWHERE, NOT_RUN) for command in table}
SLOW = {plain(command) for command in SLOW}
MORE = {plain(command): more for command, more in MORE.items()}
INSTEAD = {plain(command): other for command, other in INSTEAD.items()}
SAYS = {plain(command): words for command, words in SAYS.items()}


def run_here(block: Block) -> list[str]:
    elsewhere = RUN_ELSEWHERE | SLOW
    return [command for command in block.commands if command not in elsewhere]


def run_slowly(block: Block) -> list[str]:
    return [command for command in block.commands if command in SLOW]


@pytest.fixture(scope='session')
def laid_out(tmp_path_factory, quickstart) -> Path:
    folder = tmp_path_factory.mktemp('reader')
    lay_out(folder, quickstart)
    return folder


@pytest.mark.parametrize(
    'block', [block for block in ALL if run_here(block)], ids=lambda block: block.name
)
def test_block(block, laid_out, tmp_path, server, free_port):
    check(run_here(block), block, laid_out, tmp_path, server, free_port)


@pytest.mark.slow
@pytest.mark.parametrize(
    'block', [block for block in ALL if run_slowly(block)], ids=lambda block: block.name
)
def test_slow_block(block, laid_out, tmp_path, server, free_port):
    check(run_slowly(block), block, laid_out, tmp_path, server, free_port)


def check(commands, block, laid_out, tmp_path, server, free_port) -> None:
    """Every command ends well, in a folder of the block's own."""
    copy(laid_out, tmp_path)
    for name, text in files_in(block.page).items():
        (tmp_path / name).write_text(text)
    for command in commands:
        done = run(typed(command), tmp_path, server, dict(PORT=free_port))
        said = done.stdout[-1000:] + done.stderr[-2000:]
        assert done.returncode == 0, f'{block.name}: {command}\n{said}'
        assert SAYS.get(command, '') in done.stdout, command


def typed(command: str) -> str:
    """What is run for a command of a page."""
    words = INSTEAD.get(command, f'{command} {MORE.get(command, "")}')
    if command.startswith('bash tools/dist_'):
        words = re.sub(r' 8 ', ' 2 ', words)  # CPU processes in place of GPUs
    for word, meaning in STANDS_FOR.items():
        words = re.sub(rf'(?<!\S){re.escape(word)}(?!\S)', meaning, words)
    return words


def run(command: str, cwd: Path, server, env: dict) -> subprocess.CompletedProcess:
    words = shlex.split(command)
    while '=' in words[0]:
        name, _, value = words.pop(0).partition('=')
        env[name] = value
    if 'PYTHONPATH' in env:  # the server's children have begun already
        server = None
    if words[0] in ('python', 'bash') and words[1].startswith('tools/'):
        tool = words[1].removeprefix('tools/')
        return run_tool(tool, *words[2:], cwd=cwd, ok=False, env=env, server=server)
    assert words[0] == 'python', f'{command}: no way to run it is known here'
    return subprocess.run(
        [sys.executable, *words[1:]],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(PROJECT), **env},
        capture_output=True,
        text=True,
        timeout=1800,
    )


@pytest.mark.parametrize('name', TABLES)
def test_the_tables_hold_what_is_on_the_pages(name):
    there = {command for block in ALL for command in block.commands}
    gone = [command for command in TABLES[name] if plain(command) not in there]
    assert not gone, 'on no page any more'


@pytest.mark.parametrize('test', sorted(set(ELSEWHERE.values())))
def test_the_test_that_runs_it_exists(test):
    file, _, function = test.partition('::')
    assert f'def {function}(' in (PROJECT / file).read_text()


def test_a_command_that_fails_is_seen(tmp_path, server):
    """The way that blocks are run does notice an exit status."""
    done = run('python tools/train.py none.py', tmp_path, server, {})
    assert done.returncode == 2


def test_commands_are_read_as_a_shell_reads_them():
    text = "a b  # no c\n# none\nA=1 d \\\n    -e 'f g' && h\n"
    assert commands_in(text) == ('a b', "A=1 d -e 'f g'", 'h')
