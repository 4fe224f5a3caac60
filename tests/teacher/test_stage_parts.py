"""What a distillation config may leave out, or say in another form."""

import pytest
from mmengine.config import Config, ConfigDict

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config

OPTIONS = TeacherOptions(lmda=0.1, mll_epochs=1)


@pytest.fixture
def cfg(project):
    return Config.fromfile(project / 'configs/mcmi/quickstart_digits.py')


@pytest.mark.parametrize('hooks', [None, {}, dict(logger=None), dict(timer=None)])
def test_default_hooks_that_are_left_out(cfg, hooks):
    cfg.default_hooks = hooks
    assert stage_config(cfg, OPTIONS, 'mcmi', '').default_hooks.logger.interval == 100


@pytest.mark.parametrize(
    ('optimizer', 'rate'),
    [
        (dict(type='Adadelta'), 1.0),
        (dict(type='AdamW', weight_decay=0.05), 1e-3),
        (dict(type='mmpretrain.Lamb'), 1e-3),
        (dict(type='SGD', lr=1), 1.0),
    ],
)
def test_an_optimizer_that_has_its_own_rate(cfg, optimizer, rate):
    cfg.optim_wrapper = ConfigDict(optimizer=optimizer)
    fine_tune = stage_config(cfg, OPTIONS, 'mcmi', '')
    assert fine_tune.optim_wrapper.optimizer.lr == pytest.approx(rate / 5)
    first = stage_config(cfg, OPTIONS, 'mll', '')
    assert first.optim_wrapper.optimizer.get('lr', rate) == rate
    assert cfg.optim_wrapper.optimizer == optimizer


def test_no_rate_and_no_single_optimizer(cfg, monkeypatch):
    from mmengine.registry import OPTIMIZERS

    monkeypatch.setitem(
        OPTIMIZERS.module_dict, 'Rateless', lambda params, momentum=0.9: None
    )
    cfg.optim_wrapper = ConfigDict(optimizer=dict(type='Rateless'))
    with pytest.raises(UserError, match='lr: Rateless has none.*mcmi.lr_factor=0.2'):
        stage_config(cfg, OPTIONS, 'mcmi', '')
    stage_config(cfg, OPTIONS, 'mll', '')
    several = dict(constructor='mmrazor.SeparateOptimWrapperConstructor')
    for name in ('architecture', 'distiller'):
        several[name] = dict(optimizer=dict(type='SGD', lr=0.1))
    cfg.optim_wrapper = ConfigDict(several)
    with pytest.raises(UserError, match='several; set mcmi.teacher_config'):
        stage_config(cfg, OPTIONS, 'mll', '')


def test_a_cmi_metric_of_the_users_own(cfg):
    cfg.val_evaluator = ConfigDict(
        type='Evaluator', metrics=[dict(type='Accuracy'), dict(type='CMIMetric')]
    )
    stage = stage_config(cfg, OPTIONS, 'mcmi', '')
    assert stage.val_evaluator == cfg.val_evaluator
