"""``tools/study.py`` as it is typed."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import PROJECT

STUDIES = PROJECT / 'configs/study'


@pytest.mark.slow
def test_table_5_with_all_of_its_arms(command, tmp_path):
    study = STUDIES / 'table5_synthetic.py'
    flags = ['--scale', 'smoke', '--seeds', 1, '--work-dir', 'work']

    done = command('study.py', study, *flags)

    kept = json.loads((tmp_path / 'work/report/results.json').read_text())
    values = {r['arm']: r['values'] for r in kept['results']}
    assert len(values) == 8
    assert values['true BCPD']['teacher_pdist'] == pytest.approx(0, abs=1e-4)
    assert values['one-hot']['teacher_pdist'] is None
    assert values['MLL']['teacher_pdist'] > 10
    assert values['MCMI 0.5']['teacher_cmi'] != values['lambda = 0']['teacher_cmi']
    assert '[8/8] delta 1, one-hot, seed 0: student_accuracy' in done.stdout
    assert 'Exp name' not in done.stdout  # the Runners' logs are in the cells
    table = (tmp_path / 'work/report/table.md').read_text()
    assert '69.32 +- 0.09' in table and 'does not follow from its stated' in table


@pytest.mark.slow
def test_tables_6_and_7_on_digits(command, tmp_path):
    study = STUDIES / 'table7_lambda.py'

    command('study.py', study, '--scale', 'smoke', '--work-dir', 'work')

    table = (tmp_path / 'work/report/table.md').read_text()
    assert '| digits | lambda = 0.15 | 1 |' in re.sub(' +', ' ', table)
    assert 'ResNet-56 0.15' in table  # Table 6, in the note


@pytest.mark.parametrize(
    ('flags', 'line'),
    [
        (['--arms', 'MCMI 0.6'], "no arm 'MCMI 0.6'; did you mean 'MCMI 0.5'"),
        (['--grid', 'delta=3'], "no value '3'"),
        (['--grid', 'delta'], '--grid delta: write AXIS=NAME,NAME'),
        (['--scale', 'large'], "no scale 'large'"),
        (['--work-dir', '[a]'], '--work-dir [a]: no cell could be run by hand'),
    ],
)
def test_bad_input_is_one_line(command, tmp_path, flags, line):
    done = command('study.py', STUDIES / 'table5_synthetic.py', *flags, ok=False)

    assert done.returncode == 2
    assert line in done.stderr and done.stderr.count('\n') == 1
    assert not list(tmp_path.rglob('*.log'))  # nothing was trained


def test_an_interrupted_study_says_how_to_go_on(tmp_path):
    words = [sys.executable, PROJECT / 'tools/study.py']
    words += [STUDIES / 'table5_synthetic.py', '--scale', 'smoke', '--seeds', '1']
    process = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.time() + 1800
    while not list(tmp_path.rglob('*.log')):
        assert process.poll() is None and time.time() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=1800)

    assert process.returncode == 128 + signal.SIGTERM
    assert 'continue with: ' in errors and 'tools/study.py' in errors
    assert errors.count('\n') == 1
