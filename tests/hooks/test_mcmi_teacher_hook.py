"""The hook by itself, as a config of one's own would use it."""

import json
import shutil
from types import SimpleNamespace

import pytest
import small_jobs
import torch
from conftest import QUICKSTART
from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher import make
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.weights.loading import read_weights


@pytest.fixture
def cfg(quickstart, tmp_path):
    """The quick start without its ``mcmi``, for mmengine's Runner alone."""
    cfg = Config.fromfile(QUICKSTART)
    cfg.pop('mcmi')
    cfg.work_dir = str(tmp_path / 'run')
    cfg.train_cfg.max_epochs = 1
    (mll,) = quickstart.teachers.glob('*-mll-*/teacher.pth')
    cfg.model.teacher_ckpt = str(mll)
    return cfg


def test_through_custom_hooks_and_mmengines_runner(cfg, tmp_path):
    cfg.custom_hooks = [dict(type='MCMITeacherHook', lmda=0.1, epochs=1)]
    runner = Runner.from_cfg(cfg)
    before = {k: v.clone() for k, v in runner.model.teacher.state_dict().items()}
    runner.train()
    (made,) = tmp_path.glob('mcmi_teachers/*/teacher.pth')
    kept = torch.load(made, weights_only=True)['state_dict']
    held = runner.model.teacher.state_dict()
    assert all(torch.equal(held[name], kept[name]) for name in kept)
    assert any(not torch.equal(held[name], before[name]) for name in kept)
    assert (tmp_path / 'run/mcmi/summary.md').is_file()
    # The outer Runner is the current one again, and its teacher is still frozen.
    assert runner.message_hub.get_current_instance() is runner.message_hub
    assert not any(p.requires_grad for p in runner.model.teacher.parameters())


def test_a_teacher_that_its_own_init_cfg_fills(cfg, tmp_path):
    """Without ``teacher_ckpt``, as in a config that fine-tunes a backbone."""
    checkpoint = cfg.model.teacher_ckpt
    cfg.model.teacher_ckpt = None
    cfg.model.teacher.init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
    cfg.custom_hooks = [dict(type='MCMITeacherHook', lmda=0.1, epochs=1)]
    Runner.from_cfg(cfg).train()
    (made,) = tmp_path.glob('mcmi_teachers/*/teacher.pth')
    mcmi = torch.load(made, weights_only=True)['meta']['mcmi']
    assert mcmi['before']['val']['accuracy'] > 95  # it started from that checkpoint


@pytest.mark.parametrize('options', [dict(lmda=-1), dict(lmda=0.1, epochs=0)])
def test_options_are_checked_when_the_hook_is_built(cfg, options):
    cfg.custom_hooks = [dict(type='MCMITeacherHook', **options)]
    with pytest.raises(UserError, match='mcmi.'):
        Runner.from_cfg(cfg)


# Where the teacher's weights come from, and what this project knows of them.


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A small run with its control: its Runner, and its files."""
    folder = tmp_path_factory.mktemp('made')
    runner = small_jobs.job(folder, mcmi__control=True)
    (mcmi,) = folder.glob('mcmi_teachers/*-mcmi-lmda0.25-*/teacher.pth')
    (mll,) = folder.glob('mcmi_teachers/*-mll-*/teacher.pth')
    last = folder / 'run/epoch_1.pth'
    return SimpleNamespace(runner=runner, folder=folder, mcmi=mcmi, mll=mll, last=last)


def rows(folder):
    return json.loads((folder / 'run/mcmi/summary.json').read_text())


def names(folder):
    return [row['model'] for row in rows(folder)]


CONTROL = 'teacher, lambda = 0 (control)'


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(make, 'log_line', lines.append)
    monkeypatch.setattr(make, 'log_warning', lines.append)
    return lines


def pretrained(path):
    return dict(type='Pretrained', checkpoint=str(path))


@pytest.mark.parametrize(
    'way', ['teacher_ckpt', 'init_cfg', 'init_cfg of all', 'load_from', 'moved']
)
def test_an_mcmi_teacher_is_not_fine_tuned_again(way, made, tmp_path, said):
    moved = shutil.copy(made.last, tmp_path / 'moved.pth')  # its teachers are not here
    options = {
        'teacher_ckpt': dict(model__teacher_ckpt=str(made.mcmi)),
        'init_cfg': dict(model__teacher__init_cfg=pretrained(made.mcmi)),
        'init_cfg of all': dict(model__init_cfg=pretrained(made.last)),
        'load_from': dict(load_from=str(made.last)),
        'moved': dict(load_from=str(moved)),
    }[way]
    runner = small_jobs.job(
        tmp_path, mcmi__mll_epochs=None, mcmi__control=True, **options
    )
    assert not list(tmp_path.glob('mcmi_teachers/*/teacher.pth'))
    kept = load_checkpoint_file(made.mcmi)['state_dict']
    assert small_jobs.same(kept, runner.model.teacher.state_dict())
    # Its own figures, and no control that was fine-tuned from it.
    assert names(tmp_path) == ['teacher, MLL', 'teacher, MCMI', 'student']
    assert rows(tmp_path)[:2] == [rows(made.folder)[i] for i in (0, 2)]
    assert sum('mcmi.control' in line for line in said) == 1
    assert any('is an MCMI teacher already (lambda 0.25)' in line for line in said)


def test_a_distillers_file_without_provenance_is_a_start_like_any_other(made, tmp_path):
    state = load_checkpoint_file(made.last)['state_dict']
    plain = small_jobs.saved(tmp_path / 'kd.pth', state)
    small_jobs.job(tmp_path, mcmi__mll_epochs=None, load_from=plain)
    (path,) = tmp_path.glob('mcmi_teachers/*-mcmi-*/teacher.pth')
    provenance = load_checkpoint_file(path)['meta']['mcmi']
    assert provenance['base']['source'] == plain


def test_the_checkpoints_of_a_distillation_know_how_their_teacher_was_made(made):
    meta = load_checkpoint_file(made.last)['meta']
    kept = load_checkpoint_file(made.mcmi)['meta']['mcmi']
    assert meta['mcmi_teacher'] == kept
    assert meta['mcmi_control']['lmda'] == 0
    assert 'mcmi' not in meta  # a student is no MCMI teacher
    _, of_teacher = read_weights(str(made.last), prefix='teacher.')
    assert of_teacher['mcmi'] == kept


def test_a_version_that_kept_the_path_alone_is_understood(made, tmp_path):
    checkpoint = load_checkpoint_file(made.last)
    del checkpoint['meta']['mcmi_teacher'], checkpoint['meta']['mcmi_control']
    torch.save(checkpoint, tmp_path / 'old.pth')
    kept = load_checkpoint_file(made.mcmi)['meta']['mcmi']
    _, meta = read_weights(str(tmp_path / 'old.pth'), prefix='teacher.')
    assert meta['mcmi'] == kept


@pytest.mark.parametrize('moved', [False, True])
def test_a_resumed_run_ends_in_the_same_table(made, tmp_path, moved):
    folder = tmp_path / 'again'
    shutil.copytree(made.folder / 'run', folder / 'run')
    last = folder / 'run/epoch_1.pth'
    (folder / 'run/last_checkpoint').write_text(str(last))
    if moved:  # the folder of the teachers, and the record of where it was
        checkpoint = load_checkpoint_file(last)
        hub = checkpoint['message_hub']['runtime_info']
        hub['mcmi_teacher_file'] = str(folder / 'gone/teacher.pth')
        torch.save(checkpoint, last)
    (folder / 'run/mcmi/summary.json').unlink()
    runner = small_jobs.job(
        folder, resume=True, mcmi__control=True, train_cfg__max_epochs=2
    )
    assert runner.epoch == 2
    assert not list(folder.glob('mcmi_teachers/*'))  # nothing was made again
    assert names(folder) == names(made.folder)
    assert CONTROL in names(folder)
    assert rows(folder)[:3] == rows(made.folder)[:3]
    kept = load_checkpoint_file(made.mcmi)['state_dict']
    assert small_jobs.same(kept, runner.model.teacher.state_dict())


def test_a_moved_folder_of_a_teacher_that_init_cfg_had_filled(made, tmp_path):
    """What the resumed model holds is the MCMI teacher, not what init_cfg put in."""
    init = dict(mcmi__mll_epochs=None, model__teacher__init_cfg=pretrained(made.mll))
    small_jobs.job(tmp_path, **init)
    (path,) = tmp_path.glob('mcmi_teachers/*/teacher.pth')
    kept = load_checkpoint_file(path)
    assert kept['meta']['mcmi']['base']['source'] == str(made.mll)
    shutil.rmtree(tmp_path / 'mcmi_teachers')
    runner = small_jobs.job(tmp_path, resume=True, train_cfg__max_epochs=2, **init)
    assert not list(tmp_path.glob('mcmi_teachers/*'))
    assert small_jobs.same(kept['state_dict'], runner.model.teacher.state_dict())


def test_a_checkpoint_on_the_way_of_a_fine_tune(made, tmp_path, said):
    """Its centroids stay there, and it is not called MLL."""
    kept = load_checkpoint_file(made.mcmi)['state_dict']
    state = kept | {'head.loss_module.log_centroids': torch.full((10, 10), 0.1).log()}
    part = small_jobs.saved(tmp_path / 'epoch_1.pth', state, epoch=1)
    small_jobs.job(tmp_path, mcmi__mll_epochs=None, model__teacher_ckpt=part)
    assert sum('on the way of a fine-tune' in line for line in said) == 1
    assert names(tmp_path) == ['teacher, as given', 'teacher, MCMI', 'student']
