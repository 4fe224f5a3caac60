"""The hook by itself, as a config of one's own would use it."""

import pytest
import torch
from conftest import QUICKSTART
from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError


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
