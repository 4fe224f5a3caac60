"""The page at the end of a training, and by tools/report.py, from real runs."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from conftest import QUICKSTART, run_tool

TINY = [
    'train_cfg.max_epochs=1', 'mcmi.epochs=1', 'mcmi.mll_epochs=1',
    'mcmi.teacher_dir=teachers',
]  # fmt: skip


def train(folder, server, name, *options):
    return run_tool(
        'train.py', QUICKSTART, '--work-dir', name, '--cfg-options', *TINY, *options,
        cwd=folder, server=server,
    )  # fmt: skip


@pytest.fixture(scope='module')
def trained(tmp_path_factory, server):
    """Two seeds of one config, and one run of another, all tiny."""
    folder = tmp_path_factory.mktemp('trained')
    done = train(folder, server, 'runs/one')
    train(folder, server, 'runs/two', 'randomness.seed=1')
    train(folder, server, 'runs/three', 'randomness.seed=2', 'mcmi.lmda=0.1')
    done.folder = folder
    return done


@pytest.fixture
def runs(trained, tmp_path):
    """A copy to write into."""
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / 'runs'


def lose_the_checkpoint(folder):
    """And with it all that takes long."""
    (folder / 'last_checkpoint').unlink()


def text_of(path):
    return re.sub(r'data:image/png;base64,[^"]*', 'PNG', path.read_text())


def headings(page):
    return re.findall(r'<h2[^>]*>(.*?)</h2>', page)


def test_a_training_ends_in_its_page(trained):
    path = trained.folder / 'runs/one/report.html'
    assert trained.stdout.splitlines()[-1].endswith('report: runs/one/report.html')
    page = text_of(path)
    assert headings(page) == [
        'At a glance', 'Teacher', 'Student', 'Confusion', 'More', 'What was run',
        'Provenance',
    ]  # fmt: skip
    for name in ('teacher, MLL', 'teacher, lambda = 0 (control)', 'teacher, MCMI'):
        assert name in page
    # The command, whole, and the one that adds what takes longer.
    assert f'python {trained.args[1]}' in page and 'mcmi.epochs=1' in page
    assert 'python tools/report.py runs/one' in page
    assert page.count('src="PNG"') == 4


def test_its_figures_are_those_of_the_summary_and_the_log(trained):
    folder = trained.folder / 'runs/one'
    page = text_of(folder / 'report.html')
    for row in json.loads((folder / 'mcmi/summary.json').read_text()):
        assert f'{row["accuracy"]:.2f}' in page
        if row['cmi'] is not None:
            assert f'{row["cmi"]:.4f}' in page and f'{row["ll"]:.4f}' in page
    record = json.loads((folder / 'report.json').read_text())
    confusion = record['confusion']
    right = sum(n for true, predicted, n in confusion['cells'] if true == predicted)
    assert sum(n for *_, n in confusion['cells']) == confusion['available'] == 797
    accuracy = json.loads((folder / 'mcmi/summary.json').read_text())[-1]['accuracy']
    assert 100 * right / 797 == pytest.approx(accuracy, abs=1e-3)
    provenance = record['teacher']['mcmi']
    assert provenance['fingerprint'] in page and provenance['recipe']['base'] in page


def test_the_command_adds_what_takes_longer(runs, command):
    pytest.importorskip('pytorch_grad_cam')
    files = sorted(p for p in runs.rglob('*') if p.name != 'report.html')
    done = command('report.py', 'runs/one')
    assert 'report: ' in done.stdout.splitlines()[-1] and '797' in done.stdout
    first = (runs / 'one/report.html').read_bytes()
    page = text_of(runs / 'one/report.html')
    assert headings(page) == [
        'At a glance', 'Teacher', 'Student', 'Confusion', 'Eigen-CAM',
        'Output space', 'What was run', 'Provenance',
    ]  # fmt: skip
    assert 'teacher, MLL at backbone.' in page and '250 validation samples' in page
    assert page.count('src="PNG"') == 4 + 1 + 3
    command('report.py', 'runs/one')
    assert (runs / 'one/report.html').read_bytes() == first
    # It has left nothing else in the work dir.
    assert sorted(p for p in runs.rglob('*') if p.name != 'report.html') == files


def test_several_runs_beside_one_another(runs, command):
    for name in ('one', 'two', 'three'):
        lose_the_checkpoint(runs / name)
    command('report.py', 'runs/one', 'runs/two', 'runs/three')
    page = text_of(runs / 'report.html')
    assert headings(page) == [
        'Runs', 'Curves', 'What differs', 'one', 'two', 'three'
    ]  # fmt: skip
    # Two seeds are one arm; the mean and the deviation are those of its runs.
    accuracies = [
        json.loads((runs / name / 'mcmi/summary.json').read_text())[-1]['accuracy']
        for name in ('one', 'two')
    ]
    mean, half = sum(accuracies) / 2, abs(accuracies[0] - accuracies[1]) / 2
    cells = {
        name: re.findall(r'<td[^>]*>(.*?)</td>', row)
        for name, row in re.findall(
            r'<tr><th scope="row">(arm \d|mcmi\.\w+)</th>(.*?)</tr>', page
        )
    }
    assert cells['arm 1'][:2] == ['2', '0, 1']
    assert cells['arm 1'][2] == f'{mean:.2f} \u00b1 {half * 2**0.5:.2f}'
    assert '\u00b1' not in cells['arm 1'][3]  # they share one teacher
    assert cells['arm 2'][:2] == ['1', '2']
    assert '\u00b1' not in cells['arm 2'][2]  # n = 1 has no spread
    assert cells['mcmi.lmda'] == ['0.25', '0.1']
    assert 'randomness' not in ''.join(cells)


def test_the_same_run_twice_counts_once(runs, command):
    lose_the_checkpoint(runs / 'two')
    shutil.copytree(runs / 'two', runs / 'copy')
    command('report.py', 'runs/two', 'runs/copy', 'runs/two/')
    page = text_of(runs / 'report.html')
    assert headings(page)[-2:] == ['two', 'copy']  # one folder was named twice
    assert 'only one of its config' in page and '\u00b1' not in page


def test_folders_of_one_name_are_told_apart(runs, command):
    lose_the_checkpoint(runs / 'one')
    shutil.copytree(runs / 'one', runs / 'other/one')
    command('report.py', 'runs/one', 'runs/other/one', '--out', 'page.html')
    page = text_of(runs.parent / 'page.html')
    assert headings(page)[-2:] == ['runs/one', 'other/one']


def lose_the_data(folder):
    for config in folder.glob('*/vis_data/config.py'):
        text = config.read_text().replace("type='Digits'", "type='NoSuchData'")
        config.write_text(text)


def end_before_the_first_epoch(folder):
    lose_the_checkpoint(folder)
    (folder / 'report.json').unlink()
    shutil.rmtree(folder / 'mcmi')
    for path in folder.glob('*/vis_data/*.json'):
        path.unlink()


@pytest.mark.parametrize(
    'spoil, words',
    [
        (lose_the_data, ['No Eigen-CAM and no t-SNE: ', 'NoSuchData', 'of 797 right']),
        (lose_the_checkpoint, ['there is no checkpoint in', 'of 797 right']),
        (end_before_the_first_epoch, ['has not finished its first epoch', '0 of 1']),
    ],
)
def test_what_is_missing_is_said(runs, command, spoil, words):
    spoil(runs / 'one')
    command('report.py', 'runs/one')
    page = text_of(runs / 'one/report.html')
    for word in words:
        assert word in page


def test_a_killed_run_shows_its_teacher(runs, command):
    """Without the record of the end, the teacher is the checkpoint's."""
    provenance = json.loads((runs / 'one/report.json').read_text())['teacher']['mcmi']
    before = runs.parent / provenance['base']['source']
    weights = torch.load(before, weights_only=True)
    for value in weights['state_dict'].values():
        value += 1
    torch.save(weights, before)
    (runs / 'one/report.json').unlink()
    shutil.rmtree(runs / 'one/mcmi')
    command('report.py', 'runs/one')
    page = text_of(runs / 'one/report.html')
    assert 'teacher, MCMI' in page and 'SHA-256' in page
    assert 'The command is not recorded' in page
    # What it was made from is another file now, and is not shown as that.
    assert 'teacher, MCMI at' in page and 'teacher, MLL at' not in page


def test_another_trainings_record_is_none(runs, command):
    """A new training in an old work dir has not come to its end."""
    lose_the_checkpoint(runs / 'one')
    (old,) = (runs / 'one').glob('2*')
    shutil.copytree(old, old.with_name('29990101_000000'))
    command('report.py', 'runs/one')
    assert 'The command is not recorded' in text_of(runs / 'one/report.html')


@pytest.mark.parametrize(
    'folder, words',
    [('nowhere', 'there is no such folder'), ('.', 'no work dir of a training')],
)
def test_no_work_dir_is_one_line(runs, command, folder, words):
    done = command('report.py', folder, ok=False)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith('error: ') and words in line
    assert not Path(runs.parent, 'report.html').exists()


def test_no_page_is_an_error_of_the_command(runs, command):
    lose_the_checkpoint(runs / 'one')
    (runs / 'file').write_text('')
    done = command('report.py', 'runs/one', '--out', 'runs/file/x.html', ok=False)
    assert done.returncode == 2 and 'cannot be written' in done.stderr


@pytest.mark.parametrize('option', ['--debug', '--no-validate'])
def test_but_not_of_a_training(trained, server, tmp_path, option):
    """A folder lies where the page would go; or there is nothing to validate on."""
    if option == '--debug':
        (tmp_path / 'mine/report.html').mkdir(parents=True)
    done = run_tool(
        'train.py', QUICKSTART, option, '--work-dir', 'mine', '--cfg-options', *TINY,
        'mcmi.control=False', f'mcmi.teacher_dir={trained.folder / "teachers"}',
        cwd=tmp_path, server=server,
    )  # fmt: skip
    if option == '--debug':
        assert 'no report is written: report.html cannot be written' in done.stdout
    else:
        assert 'report: ' in done.stdout.splitlines()[-1]
        page = text_of(tmp_path / 'mine/report.html')
        assert 'No confusion matrix: the config has no validation set' in page
