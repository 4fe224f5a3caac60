"""The key ``fast``: what it changes, and that the student stays the same."""

import copy
import re

import mmrazor
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import LOOPS, MODELS, RUNNERS

from mcmi_plugin.commands import build_checked
from mcmi_plugin.errors import UserError
from mcmi_plugin.fast import parts
from mcmi_plugin.fast.parts import use_fast_parts
from mcmi_plugin.job_config import job_config
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config

CONFIG = """
_base_ = ['{configs}/mcmi/quickstart_digits.py', '{configs}/_base_/fast.py']
mcmi = None
backbone = dict(base_channels=4, stem_channels=4)
head = dict(in_channels=32)
model = dict(
    architecture=dict(backbone=backbone, head=head),
    teacher=dict(backbone=backbone, head=head))
"""


@pytest.fixture
def quickstart_config(project, tmp_path):
    path = tmp_path / 'fast_digits.py'
    path.write_text(CONFIG.format(configs=project / 'configs'))
    return path


def test_it_fills_a_config_that_says_nothing_else(quickstart_config):
    cfg = Config.fromfile(quickstart_config)
    use_fast_parts(cfg)
    assert cfg.model.type == 'LeanDistill'
    assert cfg.train_cfg.type == 'LeanEpochLoop' and 'by_epoch' not in cfg.train_cfg
    assert cfg.val_cfg.type == 'CachedTeacherValLoop'
    assert cfg.runner_type == 'ResidentRunner' in RUNNERS
    assert cfg.train_dataloader.type == cfg.val_dataloader.type == 'ResidentLoader'
    assert cfg.optim_wrapper.constructor == 'TrainableOptimWrapperConstructor'
    assert cfg.train_cfg.type in LOOPS and cfg.val_cfg.type in LOOPS


def test_other_choices_stay(quickstart_config):
    cfg = Config.fromfile(quickstart_config)
    cfg.model.type = 'mmrazor.SelfDistill'
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=3)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.runner_type = 'MyRunner'
    cfg.optim_wrapper.constructor = 'MyConstructor'
    before = copy.deepcopy(cfg._cfg_dict)
    use_fast_parts(cfg)
    assert cfg._cfg_dict == before


def test_no_options_are_those_by_default(quickstart_config):
    cfg = Config.fromfile(quickstart_config)
    cfg.fast = {}
    use_fast_parts(cfg)
    assert cfg.model.type == 'LeanDistill'


def test_without_the_key_nothing_changes(project):
    cfg = Config.fromfile(project / 'configs/mcmi/quickstart_digits.py')
    for value in (None, False):
        cfg.fast = value
        before = copy.deepcopy(cfg._cfg_dict)
        use_fast_parts(cfg)
        assert cfg._cfg_dict == before


@pytest.mark.parametrize('given', [True, False])
def test_a_graph_is_asked_for_on_the_command_line(given, quickstart_config):
    """Beside ``fast = True`` in the file; the stages of the teacher have it too."""
    cfg = job_config(str(quickstart_config), {'fast.graph': given})
    assert cfg.train_cfg.type == 'LeanEpochLoop' and cfg.train_cfg.graph is given
    for stage in ('mll', 'mcmi'):
        options = TeacherOptions(lmda=0.1, epochs=1, mll_epochs=1)
        train_cfg = stage_config(cfg, options, stage, 'w').train_cfg
        assert train_cfg.get('graph', False) is given


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'fast.grpah': True}, 'fast.grpah is no option'),
        ({'fast.graph': 'yes'}, 'fast.graph'),
    ],
)
def test_other_options_of_fast_are_refused(options, message, quickstart_config):
    with pytest.raises(UserError, match=message):
        job_config(str(quickstart_config), options)


def test_a_loop_without_a_graph_says_so(quickstart_config, monkeypatch):
    said = []
    monkeypatch.setattr(parts, 'log_line', lambda line: said.append(line))
    cfg = Config.fromfile(quickstart_config)
    cfg.fast = dict(graph=True)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=3)
    use_fast_parts(cfg)
    assert 'graph' not in cfg.train_cfg
    assert said == ['fast.graph: steps run one by one: train_cfg is no LeanEpochLoop']


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A random teacher's file, for networks of 10 classes."""
    return tmp_path_factory.mktemp('teacher') / 'teacher.pth'


def train(path, work_dir, teacher, fast, epochs=2, resume=False, **options):
    changes = {
        'train_cfg.max_epochs': epochs,
        'param_scheduler.T_max': 3,
        'train_dataloader.dataset.indices': 96,
        'val_dataloader.dataset.indices': 64,
        'model.teacher_ckpt': str(teacher),
        'fast': fast,
        **options,
    }
    cfg = job_config(str(path), changes, str(work_dir))
    use_fast_parts(cfg)
    cfg.resume = resume
    if not teacher.exists():
        torch.manual_seed(3)
        weights = MODELS.build(cfg.model.teacher).state_dict()
        torch.save(weights, teacher)
    runner = build_checked(cfg)
    # In double precision, whose rounding is far below any difference that counts.
    runner.model.double()
    for network in (runner.model.architecture, runner.model.teacher):
        network.backbone.register_forward_pre_hook(
            lambda module, inputs: (inputs[0].double(),)
        )
    runner.train()
    return runner


def metrics(runner) -> dict:
    logged = runner.message_hub.log_scalars
    return {
        name: list(history.data[0])
        for name, history in logged.items()
        if re.match('val/.*accuracy', name)
    }


def test_the_student_is_the_same(quickstart_config, tmp_path, teacher):
    path = quickstart_config
    stock = train(path, tmp_path / 'stock', teacher, fast=False)
    fast = train(path, tmp_path / 'fast', teacher, fast=True)
    assert type(fast.model).__name__ == 'LeanDistill'
    expected = stock.model.student.state_dict()
    for name, value in fast.model.student.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-11)
    assert metrics(fast) == metrics(stock)
    assert {'val/accuracy/top1', 'val/teacher.accuracy/top1'} == set(metrics(fast))


def test_a_name_means_what_it_means_in_its_scope(quickstart_config, monkeypatch):
    class UsersOwn(BaseModel):
        pass

    monkeypatch.setitem(MODELS.module_dict, 'SingleTeacherDistill', UsersOwn)
    cfg = Config.fromfile(quickstart_config)
    cfg.model.type = 'mmengine.SingleTeacherDistill'
    use_fast_parts(cfg)
    assert cfg.model.type == 'mmengine.SingleTeacherDistill'
    cfg.model.type = mmrazor.models.SingleTeacherDistill  # as a lazy config has it
    use_fast_parts(cfg)
    assert cfg.model.type == 'LeanDistill'
