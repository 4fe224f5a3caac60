"""The flags that users of mmpretrain's commands know."""

import pytest
import torch
from conftest import QUICKSTART

from mcmi_plugin.weights.file import load_checkpoint_file


@pytest.fixture
def short(quickstart):
    """Overrides for two epochs of a student whose teacher is there already."""
    return [
        'train_cfg.max_epochs=2', 'mcmi.control=False',
        f'mcmi.teacher_dir={quickstart.teachers}',
    ]  # fmt: skip


def weights(folder, epoch):
    return load_checkpoint_file(folder / f'epoch_{epoch}.pth')['state_dict']


def test_resume_from_a_named_checkpoint_and_no_validate(command, short, tmp_path):
    first = command(
        'train.py', QUICKSTART, '--work-dir', 'a', '--no-validate',
        '--cfg-options', *short,
    )  # fmt: skip
    assert 'Epoch(val)' not in first.stdout
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'b', '--no-validate',
        '--resume', 'a/epoch_1.pth', '--cfg-options', *short,
    )  # fmt: skip
    assert 'Epoch(train) [1]' not in done.stdout
    assert 'Epoch(train) [2]' in done.stdout
    once, resumed = weights(tmp_path / 'a', 2), weights(tmp_path / 'b', 2)
    assert all(torch.equal(once[name], resumed[name]) for name in once)


def test_a_resumed_student_keeps_its_teacher(command, short):
    """Also when the config asks for another one by now."""
    command('train.py', QUICKSTART, '--cfg-options', *short, 'train_cfg.max_epochs=1')
    done = command(
        'train.py', QUICKSTART, '--resume', '--cfg-options', *short, 'mcmi.lmda=0.05'
    )
    assert 'KL(P||Q0)' not in done.stdout
    assert 'lmda0.25' in done.stdout.split('the teacher of this distillation is')[1]


def test_auto_scale_lr(command, quickstart):
    (teacher,) = quickstart.teachers.glob('*-mcmi-lmda0.25-*/teacher.pth')
    done = command(
        'train.py', QUICKSTART, '--auto-scale-lr', '--cfg-options', 'mcmi=None',
        'auto_scale_lr.base_batch_size=64', 'train_cfg.max_epochs=1',
        f'model.teacher_ckpt={teacher}',
    )  # fmt: skip
    assert 'lr: 2.5000e-02' in done.stdout  # 0.05 for 64, and the batch is 32


@pytest.mark.skipif(torch.cuda.is_available(), reason='says what is missing on a CPU')
def test_amp_without_a_gpu_is_one_line(command):
    done = command('train.py', QUICKSTART, '--amp', ok=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith('error: --amp')
