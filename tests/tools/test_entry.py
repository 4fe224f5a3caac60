"""The commands by one name: ``mcmi-plugin``, and ``python -m mcmi_plugin``."""

import argparse
import signal
import subprocess
import sys
import time

import pytest
from conftest import PROJECT

from mcmi_plugin import __main__ as entry
from mcmi_plugin import locations
from mcmi_plugin.commands import run

RECORDS = 'import sys\nprint(__name__, sys.argv)\n'


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Three commands, each of which tells how it was called."""
    for name in ('train', 'audit_teacher', 'test'):
        (tmp_path / f'{name}.py').write_text(f'"""Does {name}.\n\nMore."""\n{RECORDS}')
    monkeypatch.setattr(entry, 'TOOLS', tmp_path)
    return tmp_path


def call(monkeypatch, *words) -> None:
    monkeypatch.setattr(sys, 'argv', ['/bin/mcmi-plugin', *words])
    entry.main()


@pytest.mark.parametrize(
    ('given', 'meant'), [('train', 'train'), ('audit', 'audit_teacher')]
)
def test_it_is_the_script_itself(given, meant, tools, monkeypatch, capsys):
    call(monkeypatch, given, 'a.py', '--resume')
    said = capsys.readouterr().out
    assert said == f'__main__ {[str(tools / meant) + ".py", "a.py", "--resume"]}\n'


@pytest.mark.parametrize(
    ('given', 'fault'),
    [
        ('trian', 'there is no command trian; did you mean train?'),
        ('t', 'there is no command t; did you mean test or train?'),
    ],
)
def test_no_such_command(given, fault, tools, monkeypatch, capsys):
    with pytest.raises(SystemExit) as left:
        call(monkeypatch, given)
    assert left.value.code == 2
    assert capsys.readouterr().err == f'error: {fault}\n'


@pytest.mark.parametrize(('words', 'status'), [([], 2), (['--help'], 0)])
def test_help_has_every_command_with_what_it_does(words, status, monkeypatch, capsys):
    with pytest.raises(SystemExit) as left:
        call(monkeypatch, *words)
    assert left.value.code == status
    said = capsys.readouterr().out
    scripts = [path.stem for path in (PROJECT / 'tools').glob('*.py')]
    listed = [line.split(None, 1) for line in said.splitlines() if line[:2] == '  ']
    assert sorted(name for name, _ in listed) == sorted(scripts)
    assert all(summary.endswith(('.', '?')) for _, summary in listed)
    assert str(PROJECT / 'configs') in said


def test_own_configs_are_named_from_anywhere(command, tmp_path):
    done = command('list_layers.py', 'mcmi_plugin::mcmi/quickstart_digits.py')
    assert 'backbone' in done.stdout
    done = command('train.py', 'mcmi_plugin::mcmi/quickstart_digit.py', ok=False)
    assert done.returncode == 2
    meant = PROJECT / 'configs/mcmi/quickstart_digits.py'
    assert f'did you mean {meant}?' in done.stderr


def test_messages_name_a_command_as_it_is_typed_there(monkeypatch):
    assert locations.typed('report') == 'python tools/report.py'
    monkeypatch.setattr(locations, 'ROOT', locations._MIM)
    assert locations.typed('report') == 'mcmi-plugin report'


@pytest.mark.parametrize(
    ('started', 'named'),
    [
        (['python', '-u', '/env/bin/mcmi-plugin', 'train'], 'mcmi-plugin train'),
        (['python', '-m', 'mcmi_plugin', 'train'], 'mcmi-plugin train'),
        (['python', 'tools/train.py', 'mcmi-plugin'], 'train.py'),
    ],
)
def test_usage_is_of_the_command_as_it_was_typed(started, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'orig_argv', started)
    monkeypatch.setattr(sys, 'argv', ['/somewhere/tools/train.py', '--help'])
    with pytest.raises(SystemExit):
        run(lambda args: None, argparse.ArgumentParser())
    assert capsys.readouterr().out.startswith(f'usage: {named} [-h]')


@pytest.mark.parametrize(
    'typed', [['-m', 'mcmi_plugin', 'train'], [str(PROJECT / 'tools/audit_teacher.py')]]
)
def test_an_interrupt_of_the_first_seconds_is_silent(typed, tmp_path):
    """While torch is imported, which here takes as long as it is waited for."""
    slow = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n"
    (tmp_path / 'torch.py').write_text(slow)
    path = f'{tmp_path}:{PROJECT}'
    process = subprocess.Popen(
        [sys.executable, *typed, 'a.py'],
        env={'PYTHONPATH': path},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / 'begun').exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=50)[1] == ''
    assert process.returncode == -signal.SIGINT
