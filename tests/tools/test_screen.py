"""A screen that goes away, or that was never there, takes no command with it."""

import os
import pty
import subprocess
import sys

import pytest
from conftest import PROJECT

# Prints, loses its screen, prints as a log, a table and a bar do, and ends.
COMMAND = """
import argparse, logging, sys
import mcmi_plugin
from mcmi_plugin.commands import run
from mcmi_plugin.shown.progress import counting
from rich.console import Console
from rich.table import Table


def main(args):
    handler = logging.StreamHandler(sys.stdout)
    print('begun', flush=True)
    input()
    handler.emit(logging.LogRecord('a', 20, '', 1, 'line ' * 1000, (), None))
    with counting(Console(), 3) as advance:
        for _ in range(3):
            advance('some', 1)
            Console().print(Table(title='title'))
    print('more', file=sys.stderr, flush=True)
    open('done', 'w').write('done')


run(main, argparse.ArgumentParser())
"""


def start(folder, *flags, **streams):
    (folder / 'command.py').write_text(COMMAND)
    return subprocess.Popen(
        [sys.executable, *flags, 'command.py'],
        cwd=folder,
        stdin=subprocess.PIPE,
        env=os.environ | {'PYTHONPATH': str(PROJECT)},
        **streams,
    )


def goes_on(process, folder) -> None:
    process.stdin.write(b'\n')
    process.stdin.close()
    assert process.wait(60) == 0
    assert (folder / 'done').exists()


def test_a_reader_that_has_seen_enough(tmp_path):
    process = start(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout.readline() == b'begun\n'
    process.stdout.close()
    goes_on(process, tmp_path)


def test_a_terminal_that_is_closed(tmp_path):
    watcher, terminal = pty.openpty()
    process = start(tmp_path, stdout=terminal, stderr=terminal)
    os.close(terminal)
    assert b'begun' in os.read(watcher, 100)
    os.close(watcher)
    goes_on(process, tmp_path)


@pytest.mark.parametrize('closed', ['>&-', '2>&-', '>&- 2>&-'])
def test_no_screen_from_the_start(closed, tmp_path):
    (tmp_path / 'command.py').write_text(COMMAND)
    done = subprocess.run(
        f'{sys.executable} command.py {closed}',
        shell=True,
        cwd=tmp_path,
        input=b'\n',
        capture_output=True,
        env=os.environ | {'PYTHONPATH': str(PROJECT)},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'done').read_text() == 'done'


@pytest.mark.parametrize('flags', [[], ['-u']])
def test_what_is_shown_is_as_it_was(flags, tmp_path):
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = start(tmp_path, *flags, **pipes)
    shown, errors = process.communicate(b'\n', 60)
    assert shown.startswith(b'begun\nline line ') and b'some: 3 of 3' in shown
    assert errors.endswith(b'more\n')
