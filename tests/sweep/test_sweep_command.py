"""The real command, as small as it gets."""

import json

import pytest

SHORT = ['mcmi.mll_epochs=1', 'mcmi.epochs=1', 'train_cfg.max_epochs=1']


@pytest.fixture
def config(project):
    return project / 'configs/mcmi/quickstart_digits.py'


def test_a_sweep_from_controls_to_winner_and_again(command, config):
    words = [config, '--trials', '5', '--seeds', '1', '--range', '0.01', '0.1']
    done = command('sweep.py', *words, '--cfg-options', *SHORT)
    folder = done.cwd / 'work_dirs/quickstart_digits_sweep'
    rows = {row['name']: row for row in json.loads((folder / 'sweep.json').read_text())}
    assert {'MLL', 'lambda = 0', 'temperature', 'early stopping'} <= set(rows)
    assert rows['MLL']['cmi'] != rows['temperature']['cmi']
    assert all(0 <= score <= 100 for row in rows.values() for score in row['scores'])
    for name in ('sweep.md', 'sweep.png', 'winner.py', 'sweep.journal'):
        assert (folder / name).is_file()
    assert rows['lambda = 0']['scores'] and rows['MLL']['scores']
    ends = [line for line in done.stdout.splitlines() if ' of 5: ' in line]
    assert [line.split(' of ')[0] for line in ends] == list('12345')
    assert 'no lambda is tried' not in done.stdout
    logs = list(folder.glob('*/seed0/console.log'))
    sizes = [log.stat().st_size for log in logs]
    again = command('sweep.py', *words, '--cfg-options', *SHORT, cwd=done.cwd)
    assert [log.stat().st_size for log in logs] == sizes  # nothing was run again
    for more, named in (
        ([*words, '--cfg-options', *SHORT, 'mcmi.mll_epochs=2'], 'sweep.journal is of'),
        ([*words[:-1], '0.2', '--cfg-options', *SHORT], '--range 0.01 0.2: '),
    ):
        refused = command('sweep.py', *more, cwd=done.cwd, ok=False)
        assert named in refused.stderr.strip().splitlines()[-1]
    table = [line for line in done.stdout.splitlines() if '│ MLL' in line]
    assert table and table[0] in again.stdout


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        (['--seeds', '0'], '--seeds 0'),
        (['--range', '0.5', '0.1'], '--range'),
        (['--cfg-options', 'mcmi.lamda=1'], 'mcmi.lmda'),
    ],
)
def test_bad_flags_are_one_line(command, config, words, named):
    done = command('sweep.py', config, *words, ok=False)
    assert done.returncode == 2
    assert named in done.stderr.strip().splitlines()[-1]
    assert 'Traceback' not in done.stderr
