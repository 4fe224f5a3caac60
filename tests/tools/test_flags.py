"""The flags that users of mmpretrain's commands know."""

import argparse
import runpy

import pytest
import torch
from conftest import PROJECT, QUICKSTART
from mmengine.config import Config

from mcmi_plugin.errors import UserError
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


@pytest.mark.parametrize(
    ('config', 'flag', 'resumed'),
    [
        (dict(resume=True), None, True),
        (dict(resume=True, load_from='a.pth'), None, 'a.pth'),
        (dict(resume=True, load_from='a.pth'), 'b.pth', 'b.pth'),
        (dict(resume=True), 'auto', True),
        (dict(resume=False, load_from='a.pth'), None, False),
    ],
)
def test_a_config_says_resume_as_in_mmengine(config, flag, resumed, monkeypatch):
    main = runpy.run_path(str(PROJECT / 'tools/train.py'))['main']
    seen = []
    stand_ins = dict(
        load_config=lambda args: Config(config),
        train_and_report=lambda cfg, resume: seen.append(resume),
    )
    for name, stand_in in stand_ins.items():
        monkeypatch.setitem(main.__globals__, name, stand_in)
    main(argparse.Namespace(resume=flag, no_validate=False, auto_scale_lr=False))
    assert seen == [resumed]


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


def test_amp_is_what_a_test_is_taken_in(monkeypatch):
    """As mmpretrain's command has it; without a GPU it is refused, so not by that."""
    test = runpy.run_path(str(PROJECT / 'tools/test.py'))
    looked_at = []

    def look(cfg):
        looked_at.append(cfg.test_cfg.get('fp16'))
        raise UserError('seen')

    def load(args):
        return Config.fromfile(QUICKSTART)

    stand_ins = dict(
        load_config=load, check_data=look, read_weights=lambda *_: ({}, {})
    )
    for name, stand_in in stand_ins.items():
        monkeypatch.setitem(test['main'].__globals__, name, stand_in)
    for amp in (True, False):
        with pytest.raises(UserError, match='seen'):
            test['main'](argparse.Namespace(checkpoint=__file__, out=None, amp=amp))
    assert looked_at == [True, None]


def test_a_sweep_takes_no_flag_that_it_does_not_read(command):
    for flags in (['--amp'], ['--launcher', 'pytorch']):
        done = command('sweep.py', QUICKSTART, *flags, '--trials', '0', ok=False)
        assert f'unrecognized arguments: {" ".join(flags)}' in done.stderr


def test_a_gpu_check_removes_no_folder_but_its_own(command, tmp_path):
    (tmp_path / 'runs').mkdir()
    (tmp_path / 'runs/epoch_1.pth').touch()
    done = command('gpu_check.sh', 'no.tar', '', str(tmp_path / 'runs'), ok=False)
    assert (tmp_path / 'runs/epoch_1.pth').is_file()
    assert done.returncode == 2 and 'name another FOLDER' in done.stderr


@pytest.mark.parametrize('script', ['slurm_train.sh', 'slurm_test.sh'])
def test_slurm_with_too_few_words_says_how_it_is_called(script, command):
    done = command(script, 'queue', 'job', ok=False)
    assert done.returncode == 2
    assert f'usage: bash tools/{script} PARTITION' in done.stderr


KEY = 'optim_wrapper.type=AmpOptimWrapper'


@pytest.mark.skipif(torch.cuda.is_available(), reason='says what is missing on a CPU')
@pytest.mark.parametrize(
    ('words', 'said'), [(['--amp'], '--amp'), (['--cfg-options', KEY], KEY)]
)
def test_amp_without_a_gpu_is_one_line(command, words, said):
    done = command('train.py', QUICKSTART, *words, ok=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f'error: {said}: mixed precision needs a GPU; ')
