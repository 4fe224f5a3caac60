"""Teachers that researchers hold against MCMI's: how else one training can end."""

import json
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from teacher.test_forms import make, small
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl, lower_bound
from mcmi_plugin.hooks import lower_bound_hook
from mcmi_plugin.isolation import random_state, same_numbers
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.snapshots import mean_state
from mcmi_plugin.teacher.stage import run_stage
from mcmi_plugin.teacher.stage_config import stage_config


@pytest.fixture
def cfg(tmp_path):
    return small(tmp_path)


class KeepHook(Hook):
    """Keep the weights of every epoch."""

    states: list = []

    def after_train_epoch(self, runner):
        state = runner.model.state_dict()
        self.states.append({k: v.clone() for k, v in state.items()})


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setitem(HOOKS._module_dict, 'KeepHook', KeepHook)
    monkeypatch.setattr(KeepHook, 'states', [])
    return KeepHook.states


def test_snapshots_are_the_mean_of_the_last_epochs(cfg, kept, tmp_path):
    options = TeacherOptions(mll_epochs=3, snapshots=2, form='none')
    stage = stage_config(cfg, options, 'mll', str(tmp_path / 'stage'))
    stage.custom_hooks.append(dict(type='KeepHook'))
    state, record = run_stage(stage, False, snapshots=2)
    _, second, third = kept
    assert record['snapshots'] == 2
    weights = [k for k in state if k.endswith('weight')]
    for name in weights:
        expected = (second[name] + third[name]) / 2
        torch.testing.assert_close(state[name], expected, rtol=0, atol=1e-7)
        assert not state[name].equal(third[name])
    # The norms' statistics are those of this network on the training set.
    means = [k for k in state if k.endswith('running_mean')]
    assert means and not any(
        torch.allclose(state[k], (second[k] + third[k]) / 2) for k in means
    )


def test_snapshots_make_a_teacher_of_their_own_name(cfg, tmp_path):
    path, _, mcmi = make(cfg, mll_epochs=2, snapshots=2, form='none')
    assert '-none-mean-of-2-' in path
    (folder,) = tmp_path.glob('mcmi_teachers/*-mll-mean-of-2-*')
    assert [p.name for p in folder.glob('*.pth')] == ['teacher.pth']
    trained = torch.load(folder / 'teacher.pth', weights_only=True)
    assert trained['meta']['mcmi']['recipe']['snapshots'] == 2
    assert trained['meta']['mcmi']['snapshots'] == 2


def test_early_stopping_by_the_cmi(cfg, tmp_path):
    # Forty images only, at a high rate: the LL is best in the first epoch.
    cfg.train_dataloader.dataset.indices = 40
    cfg.optim_wrapper.optimizer.lr = 0.5
    kept = {}
    for figure, early_stopping in (('ll', True), ('cmi', 'cmi')):
        cfg.work_dir = str(tmp_path / figure / 'run')
        _, _, mcmi = make(cfg, mll_epochs=3, form='none', early_stopping=early_stopping)
        (folder,) = tmp_path.glob(f'{figure}/mcmi_teachers/*-mll-early-stopped-*')
        (scalars,) = folder.rglob('scalars.json')
        lines = [json.loads(line) for line in scalars.read_text().splitlines()]
        figures = {
            line['step']: line[f'mcmi/{figure}']
            for line in lines
            if 'accuracy/top1' in line
        }
        kept[folder.name] = mcmi['base']['kept_epoch']
        assert kept[folder.name] == max(figures, key=figures.get)
    assert len(kept) == 2 and len(set(kept.values())) == 2, kept


def test_a_teacher_trained_with_label_smoothing(cfg, tmp_path):
    """Its loss is mmpretrain's LabelSmoothLoss; the fine-tune is without."""
    from mmpretrain.registry import MODELS

    options = TeacherOptions(mll_epochs=1, label_smoothing=0.2, lmda=0.1)
    stages = [stage_config(cfg, options, stage, '') for stage in ('mll', 'mcmi')]
    scores = torch.randn(7, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(7)
    own = MODELS.build(stages[0].model.head.loss)(scores, labels)
    theirs = nn.CrossEntropyLoss(label_smoothing=0.2)(scores, labels)
    torch.testing.assert_close(own, theirs)
    assert stages[1].model.head.loss.lmda == 0.1
    assert stages[1].model.head.loss.get('reward', 'cmi') == 'cmi'

    path, _, _ = make(cfg, mll_epochs=1, label_smoothing=0.2, form='none')
    assert '-none-smoothed-' in path
    plain, _, _ = make(cfg, mll_epochs=1, form='none')
    assert plain != path


def logits(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_the_bound_is_below_the_cmi_and_touches_it():
    old, labels = 2 * logits(0, 60, 4), torch.arange(60) % 4
    statistics = ClassStatistics(4, 'cpu')
    statistics.update(old, labels)
    q0 = statistics.log_centroids().double()
    at_start = lower_bound(old, labels, old, q0).mean().item()
    assert at_start == pytest.approx(statistics.cmi(), abs=1e-9)
    for seed in range(1, 20):
        new = old + seed / 4 * logits(seed, 60, 4)
        moved = ClassStatistics(4, 'cpu')
        moved.update(new, labels)
        bound = lower_bound(new, labels, old, q0).mean().item()
        assert bound <= moved.cmi() + 1e-9
    surrogate = ce_and_kl(new, labels, q0)[1].mean().item()
    assert surrogate > moved.cmi()  # the paper's bounds it from above


def test_the_bounds_gradient():
    old, labels, q0 = logits(1, 5, 3), torch.arange(5) % 3, logits(2, 3, 3)
    q0 = q0.log_softmax(1)
    new = logits(0, 5, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: lower_bound(z, labels, old, q0), new)


def test_a_fine_tune_by_the_lower_bound(cfg, kept, tmp_path):
    mll, *_ = make(cfg, mll_epochs=2, form='none')
    cfg.model.teacher_ckpt = mll
    path, _, mcmi = make(cfg, form='lower_bound', eps=0.5, epochs=2)
    assert '-mcmi-lower_bound-eps0.5-' in path
    assert (mcmi['form'], mcmi['eps']) == ('lower_bound', 0.5)
    assert mcmi['after']['train']['cmi'] > mcmi['before']['train']['cmi']
    budget, _, other = make(cfg, form='budget', eps=0.5, epochs=2)
    assert budget != path
    assert other['after']['train']['cmi'] != mcmi['after']['train']['cmi']


class LookHook(Hook):
    """What the loss was told in each step, and what the network said itself."""

    def __init__(self):
        self.seen = []
        LookHook.last = self

    def before_train(self, runner):
        loss = find_cmi_loss(runner.model)
        forward = loss.forward

        def look(cls_score, label, **kwargs):
            if loss.training and loss.old is not None:
                difference = (loss.old[0] - cls_score.detach()).abs().max().item()
                self.seen.append((runner.epoch, difference))
            return forward(cls_score, label, **kwargs)

        loss.forward = look


def test_the_old_network_is_that_of_the_epochs_first_step(cfg, monkeypatch, tmp_path):
    monkeypatch.setitem(HOOKS._module_dict, 'LookHook', LookHook)
    options = TeacherOptions(form='lower_bound', epochs=2)
    stage = stage_config(cfg, options, 'mcmi', str(tmp_path / 'stage'))
    stage.custom_hooks.append(dict(type='LookHook'))
    run_stage(stage, False)
    for epoch in range(2):
        first, *rest = [d for e, d in LookHook.last.seen if e == epoch]
        assert first < 1e-5 and rest and min(rest) > 1e-4


class Drops(nn.Module):
    def __init__(self, share):
        super().__init__()
        self.drop = nn.Dropout(share)

    def forward(self, inputs, mode):
        return self.drop(inputs)


@pytest.mark.parametrize('share', [0.0, 0.5])
def test_the_look_leaves_random_numbers_alone(share, monkeypatch):
    """Where none are drawn it does not ask for them: no recording of a step could."""
    asked = []
    monkeypatch.setattr(
        lower_bound_hook, 'random_state', lambda: asked.append(0) or random_state()
    )
    hook = lower_bound_hook.LowerBoundHook()
    hook._old, hook._loss, hook._log_centroids = Drops(share), SimpleNamespace(), None
    hook._draws = True
    for _ in range(3):
        before = random_state()
        hook._look(hook._old, (torch.ones(4, 5),), dict(mode='loss'))
        assert same_numbers(before, random_state())
        assert hook._loss.old[0].eq(1).all() == (share == 0)
    assert len(asked) == (6 if share else 2)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(snapshots=2), r'mcmi\.snapshots=2: averages the mcmi\.mll_epochs'),
        (dict(snapshots=1, mll_epochs=3), r'mcmi\.snapshots=1: must be a whole number'),
        (dict(snapshots=4, mll_epochs=3), r'there are but 3 mcmi\.mll_epochs'),
        (
            dict(snapshots=2, mll_epochs=3, early_stopping=True),
            r'keeps one of all; leave one of them out',
        ),
        (dict(label_smoothing=0.1), r'goes with the mcmi\.mll_epochs epochs'),
        (dict(label_smoothing=1.5, mll_epochs=2), r'label_smoothing=1\.5: must be'),
        (dict(early_stopping='ll', mll_epochs=2), r'must be one of True, False, cmi'),
        (dict(form='lower_bound', lmda=0.1), r'lower_bound sets lambda itself'),
    ],
)
def test_what_does_not_go_together(options, message):
    with pytest.raises(UserError, match=message):
        TeacherOptions(**{'form': 'none', **options})


def test_a_loss_alone_says_what_it_needs():
    from mmpretrain.registry import MODELS

    loss = MODELS.build(
        dict(type='CMILoss', lmda=None, form='lower_bound', eps=0.1, num_classes=3)
    )
    loss.set_centroids(torch.full((3, 3), 1 / 3).log())
    loss.controller.start(1.0, 5)
    with pytest.raises(UserError, match=re.escape("dict(type='LowerBoundHook')")):
        loss(torch.zeros(2, 3), torch.tensor([0, 1]))


def test_mean_of_states_leaves_counts_alone():
    states = [dict(n=torch.tensor(3)), dict(n=torch.tensor(2))]
    assert mean_state(states)['n'].equal(torch.tensor(3))
