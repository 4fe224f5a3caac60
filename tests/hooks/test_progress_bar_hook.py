"""The bar on a pseudo-terminal, and its absence everywhere else."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from conftest import PROJECT

QUICKSTART = PROJECT / 'configs/mcmi/quickstart_digits.py'
SHORT = ['mcmi.epochs=1', 'mcmi.mll_epochs=1', 'mcmi.control=False']
SHORT += ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=128']
SHOWN = re.compile(r'stage (\d) of 3 +\S+ epoch')


def on_a_terminal(words: list, cwd) -> str:
    """What a command prints where it thinks that somebody is watching."""
    watcher, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))
    env = {**os.environ, 'TERM': 'xterm'}
    process = subprocess.Popen(
        list(map(str, words)), stdout=terminal, stderr=terminal, cwd=cwd, env=env
    )
    os.close(terminal)
    printed = b''
    while True:
        try:
            new = os.read(watcher, 65536)
        except OSError:  # Linux's word for a terminal that all have closed
            break
        if not new:
            break
        printed += new
    os.close(watcher)
    assert process.wait(60) == 0, printed[-3000:].decode()
    return printed.decode()


def test_bar_and_whole_lines_on_a_terminal(tmp_path):
    tool = PROJECT / 'tools/train.py'
    words = [sys.executable, tool, QUICKSTART, '--cfg-options', *SHORT]
    printed = on_a_terminal(words, tmp_path)
    plain = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', printed)
    assert set(SHOWN.findall(plain)) == {'1', '2', '3'}
    assert re.search(r'epoch [12], about 0:\d\d:\d\d left', plain)
    assert re.search(r'epoch 1, about 0:\d\d:\d\d left, job 0:\d\d:\d\d', plain)
    # The log's lines stand above the bar, each on a line of its own and whole.
    lines = re.split(r'[\r\n]+', plain)
    trained = [line for line in lines if 'Epoch(train)' in line]
    assert len(trained) == 4
    whole = re.compile(r'\d\d/\d\d .* Epoch\(train\) .* loss: ')
    assert all(map(whole.match, trained))  # not folded: longer than 100 columns
    # Nothing of the bar is left below the table, and the cursor is there.
    assert 'left' not in plain[plain.index('accuracy, %') :]
    assert printed.rfind('\x1b[?25h') > printed.rfind('\x1b[?25l')
    assert_plain_log_files(tmp_path)


def test_lines_only_elsewhere(quickstart):
    assert not SHOWN.search(quickstart.stdout) and '\x1b[?25' not in quickstart.stdout
    assert re.search(r'Epoch\(train\).* eta: ', quickstart.stdout)
    assert_plain_log_files(quickstart.work_dir)
    assert_plain_log_files(quickstart.teachers)


def assert_plain_log_files(folder):
    logs = list(folder.rglob('*.log'))
    assert logs
    for log in logs:
        text = log.read_text()
        assert re.search(r'Epoch\(train\).* eta: ', text)
        assert '\x1b' not in text and '━' not in text
