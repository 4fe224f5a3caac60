"""The quick start by the real command, and what can be done with its results."""

import json
import subprocess
import sys

import pytest
import torch
from conftest import QUICKSTART
from PIL import Image

from mcmi_plugin.weights.file import load_checkpoint_file


def summary(work_dir):
    rows = json.loads((work_dir / 'mcmi/summary.json').read_text())
    return {row.pop('model'): row for row in rows}


def teacher_file(quickstart, kind):
    (path,) = quickstart.teachers.glob(f'*-{kind}-*/teacher.pth')
    return path


def test_it_ends_in_a_table_and_a_picture(quickstart):
    rows = summary(quickstart.work_dir)
    control, mcmi = rows['teacher, lambda = 0 (control)'], rows['teacher, MCMI']
    assert rows['student']['accuracy'] >= 95
    assert rows['teacher, MLL']['accuracy'] > 95
    # What the fine-tune is for, against the same fine-tune without it.
    assert mcmi['cmi'] > control['cmi']
    assert mcmi['ll'] < control['ll']
    for name in rows:
        assert name in quickstart.stdout
        assert name in (quickstart.work_dir / 'mcmi/summary.md').read_text()
    assert Image.open(quickstart.work_dir / 'mcmi/curves.png').size > (500, 200)


def test_the_log_shows_the_fine_tune_live(quickstart):
    lines = [line for line in quickstart.stdout.splitlines() if 'KL(P||Q0)' in line]
    assert len(lines) == 20  # ten epochs each of MCMI and of the control
    for word in ('CE ', 'CMI ', 'LL ', 'training accuracy'):
        assert word in lines[0]


def test_the_terminal_has_news_only(quickstart):
    """Environment, config and hooks were 541 lines before the first epoch."""
    lines = quickstart.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if 'Epoch(train)' in line)
    assert first < 40 and len(lines) < 300
    assert not any('FileClient' in line or 'Exp name' in line for line in lines)
    for number, what in enumerate(('the MLL teacher', 'the MCMI teacher'), 1):
        assert f'stage {number} of 4: making {what} (' in quickstart.stdout
    assert (
        'stage 3 of 4: making the lambda = 0 control (10 epochs) in'
        in quickstart.stdout
    )
    assert 'stage 4 of 4: the student (20 epochs)' in quickstart.stdout
    assert sum('(job 0:' in line for line in lines) == 15 + 10 + 10


def test_the_teacher_carries_its_provenance(quickstart):
    checkpoint = torch.load(
        teacher_file(quickstart, 'mcmi-lmda0.25'), weights_only=True
    )
    mcmi = checkpoint['meta']['mcmi']
    assert mcmi['lmda'] == 0.25
    assert mcmi['recipe']['epochs'] == 10 == len(mcmi['history'])
    assert len(mcmi['recipe']['base']) == 64  # SHA-256 of the MLL teacher
    assert mcmi['recipe']['data']['type'] == 'Digits'
    assert (
        mcmi['recipe']['num_samples'] == mcmi['before']['train']['num_samples'] == 1000
    )
    assert mcmi['versions']['torch'] == torch.__version__
    assert len(mcmi['base']['history']) == 15
    rows = summary(quickstart.work_dir)
    for when, name in (('before', 'teacher, MLL'), ('after', 'teacher, MCMI')):
        assert mcmi[when]['train']['cmi'] == rows[name]['cmi']
        assert mcmi[when]['val']['accuracy'] == rows[name]['accuracy']
    assert checkpoint['meta']['dataset_meta']['classes'] == list('0123456789')


def test_the_distillers_teacher_is_the_mcmi_teacher(quickstart):
    made = torch.load(teacher_file(quickstart, 'mcmi-lmda0.25'), weights_only=True)
    run = load_checkpoint_file(quickstart.work_dir / 'epoch_20.pth')
    for name, value in made['state_dict'].items():
        assert torch.equal(run['state_dict'][f'teacher.{name}'], value), name


PLAIN = """
import sys
import torch
from mmpretrain.registry import MODELS
from mmpretrain.utils import register_all_modules
register_all_modules()
head = dict(type='LinearClsHead', num_classes=10, in_channels=128)
backbone = dict(type='ResNet_CIFAR', depth=18, stem_channels=16, base_channels=16)
neck = dict(type='GlobalAveragePooling')
model = MODELS.build(
    dict(type='ImageClassifier', backbone=backbone, neck=neck, head=head))
model.load_state_dict(torch.load(sys.argv[1], weights_only=True)['state_dict'])
assert 'mcmi_plugin' not in sys.modules
"""


def test_the_teacher_loads_strictly_in_plain_mmpretrain(quickstart):
    path = teacher_file(quickstart, 'mcmi-lmda0.25')
    assert subprocess.run([sys.executable, '-c', PLAIN, path]).returncode == 0


def test_another_student_finds_the_same_teacher(quickstart, command):
    """Made once, used by every student of the recipe, whatever its seed."""
    path = teacher_file(quickstart, 'mcmi-lmda0.25')
    before = path.stat().st_mtime_ns
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'second', '--cfg-options',
        'randomness.seed=1', 'train_cfg.max_epochs=1', 'mcmi.control=False',
        f'mcmi.teacher_dir={quickstart.teachers}',
    )  # fmt: skip
    assert f'MCMI teacher found: {path}' in done.stdout
    assert 'KL(P||Q0)' not in done.stdout
    assert path.stat().st_mtime_ns == before


def losses(work_dir):
    """Of the student, one an epoch."""
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    rows = map(json.loads, log.read_text().splitlines())
    return [row['loss'] for row in rows if 'loss' in row]


def test_a_student_is_the_same_whether_its_teacher_was_made_or_found(
    quickstart, command
):
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'second', '--cfg-options',
        'train_cfg.max_epochs=2', f'mcmi.teacher_dir={quickstart.teachers}',
    )  # fmt: skip
    assert 'KL(P||Q0)' not in done.stdout
    first, second = map(losses, (quickstart.work_dir, done.cwd / 'second'))
    assert len(second) >= 2 and second == first[: len(second)]


@pytest.mark.parametrize('with_mcmi', [True, False])
def test_a_teacher_made_before_is_used_as_it_is(
    quickstart, command, tmp_path, with_mcmi
):
    """``model.teacher_ckpt`` names an MCMI teacher, with our base or without."""
    path = teacher_file(quickstart, 'mcmi-lmda0.25')
    config = tmp_path / 'mine.py'
    lines = [
        f'_base_ = [{str(QUICKSTART)!r}]',
        f'model = dict(teacher_ckpt={str(path)!r})',
        'train_cfg = dict(max_epochs=1)',
        'mcmi = dict(mll_epochs=None, control=False)' if with_mcmi else 'mcmi = None',
    ]
    config.write_text('\n'.join(lines))
    done = command('train.py', config)
    assert 'KL(P||Q0)' not in done.stdout
    assert ('it is used as it is' in done.stdout) == with_mcmi
    made = torch.load(path, weights_only=True)['state_dict']
    run = load_checkpoint_file(tmp_path / 'work_dirs/mine/epoch_1.pth')
    for name, value in made.items():
        assert torch.equal(run['state_dict'][f'teacher.{name}'], value), name


def test_test_py_evaluates_the_student(quickstart, command, tmp_path):
    command(
        'test.py', QUICKSTART, quickstart.work_dir / 'epoch_20.pth', '--out', 'out.json'
    )
    accuracy = json.loads((tmp_path / 'out.json').read_text())['accuracy/top1']
    assert accuracy == pytest.approx(
        summary(quickstart.work_dir)['student']['accuracy']
    )
