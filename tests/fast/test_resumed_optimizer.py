"""A resumed run whose config is another one than its checkpoint's."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from small_runs import assert_same_weights, config, history, train

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.resume_optimizer_hook import NOTE
from mcmi_plugin.weights.file import load_checkpoint_file

HOOK_CONFIGS = [dict(type='RandomStateHook'), dict(type='ResumeOptimizerHook')]
SGD = dict(type='SGD', lr=0.05, momentum=0.9)


def run(
    folder, epochs, schedule, resume=False, optimizer=SGD, batch_size=16, **changes
):
    """So many epochs by that schedule: of 5 iterations, or with another batch."""
    cfg = config(folder, resident=False, lean=False, val_cfg=None, val_evaluator=None)
    cfg.val_dataloader = None
    cfg.train_cfg.max_epochs = epochs
    cfg.train_dataloader.batch_size = batch_size
    cfg.optim_wrapper = ConfigDict(optimizer=dict(optimizer))
    cfg.param_scheduler = schedule
    cfg.custom_hooks = HOOK_CONFIGS
    cfg.resume = resume
    cfg.experiment_name += f'-{epochs}-{resume}'
    for key, value in changes.items():
        cfg[key] = value
    return train(cfg)


def cosine(epochs, **more):
    return dict(type='CosineAnnealingLR', T_max=epochs, **more)


def warm(epochs):
    warm_up = dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=7)
    return [warm_up, cosine(epochs, begin=1)]


SCHEDULES = {
    'by epoch': cosine,
    'by iteration': lambda n: cosine(n, convert_to_iter_based=True),
    'both, one over the other': warm,
    'steps': lambda n: dict(type='MultiStepLR', milestones=[n // 2, n - 1], gamma=0.5),
    'one cycle': lambda n: dict(
        type='OneCycleLR', eta_max=0.1, total_steps=5 * n, by_epoch=False
    ),
    'rate and momentum': lambda n: [
        dict(type='PolyLR', power=0.9, eta_min=1e-4),
        dict(type='CosineAnnealingMomentum', T_max=n, eta_min=0.5),
    ],
}


@pytest.mark.parametrize('name', SCHEDULES)
def test_a_longer_run_has_the_rates_of_its_own_schedule(name, tmp_path):
    schedule = SCHEDULES[name]
    whole = run(tmp_path / 'whole', 4, schedule(4))
    run(tmp_path / 'a', 2, schedule(2))
    resumed = run(tmp_path / 'a', 4, schedule(4), resume=True)
    rates = history(whole, 'train/lr')
    assert history(resumed, 'train/lr')[10:] == rates[10:]
    assert len(set(rates)) > 2
    groups = [r.optim_wrapper.param_groups[0] for r in (whole, resumed)]
    for key in groups[0].keys() - {'params'}:
        assert groups[0][key] == groups[1][key], key


@pytest.mark.parametrize('noted', [True, False])
def test_by_the_same_config_everything_is_the_checkpoints(noted, tmp_path):
    whole = run(tmp_path / 'a', 3, warm(3))
    file = tmp_path / 'a/epoch_2.pth'
    if not noted:  # as from mmengine alone
        checkpoint = load_checkpoint_file(file)
        del checkpoint['message_hub']['runtime_info'][NOTE]
        torch.save(checkpoint, file)
    (tmp_path / 'a/last_checkpoint').write_text(str(file))
    resumed = run(tmp_path / 'a', 3, warm(3), resume=True)
    assert_same_weights(whole, resumed)
    assert history(resumed, 'train/lr') == history(whole, 'train/lr')


@pytest.mark.parametrize('batch_size', [32, 8])
def test_epochs_of_another_length_count_by_the_new_one(batch_size, tmp_path):
    """As with another number of processes: 3 or 9 iterations in place of 5."""
    schedule = cosine(4, convert_to_iter_based=True)
    whole = run(tmp_path / 'whole', 4, schedule, batch_size=batch_size)
    run(tmp_path / 'a', 2, schedule)
    resumed = run(tmp_path / 'a', 4, schedule, resume=True, batch_size=batch_size)
    assert resumed.iter == whole.iter == whole.max_iters
    done = whole.max_iters // 2
    assert history(resumed, 'train/lr')[10:] == history(whole, 'train/lr')[done:]


def test_a_checkpoint_within_an_epoch_keeps_its_count(tmp_path):
    """Its epoch is begun anew, by iterations that go on, as mmengine has it."""
    saves = dict(checkpoint=dict(type='CheckpointHook', interval=7, by_epoch=False))
    run(tmp_path / 'a', 2, cosine(2), default_hooks=saves)
    (tmp_path / 'a/last_checkpoint').write_text(str(tmp_path / 'a/iter_7.pth'))
    resumed = run(tmp_path / 'a', 2, cosine(2), resume=True, default_hooks=saves)
    assert resumed.iter == 7 + 5


def test_another_rate_momentum_and_decay(tmp_path):
    run(tmp_path / 'a', 2, cosine(4))
    other = dict(SGD, lr=0.5, momentum=0.7, weight_decay=1e-3)
    resumed = run(tmp_path / 'a', 4, cosine(4), resume=True, optimizer=other)
    whole = run(tmp_path / 'b', 4, cosine(4), optimizer=other)
    assert history(resumed, 'train/lr')[10:] == history(whole, 'train/lr')[10:]
    (group,) = resumed.optim_wrapper.param_groups
    assert (group['momentum'], group['weight_decay']) == (0.7, 1e-3)


def test_with_a_schedule_and_without(tmp_path):
    run(tmp_path / 'a', 2, cosine(4))
    constant = run(tmp_path / 'a', 3, None, resume=True)
    assert history(constant, 'train/lr')[10:] == [0.05] * 5
    again = run(tmp_path / 'a', 4, cosine(4), resume=True)
    whole = run(tmp_path / 'b', 4, cosine(4))
    assert history(again, 'train/lr')[15:] == history(whole, 'train/lr')[15:]


@HOOKS.register_module()
class HalvesRate(Hook):
    """A user's way to lower the rate that no config says."""

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            for group in runner.optim_wrapper.param_groups:
                group['lr'] *= 0.5


def test_what_the_run_itself_has_changed_stays(tmp_path):
    hooks = [*HOOK_CONFIGS, dict(type='HalvesRate')]
    run(tmp_path / 'a', 2, None, custom_hooks=hooks)
    resumed = run(
        tmp_path / 'a', 3, None, True, dict(SGD, momentum=0.8), custom_hooks=hooks
    )
    assert history(resumed, 'train/lr')[10:] == [0.025] * 5
    assert resumed.optim_wrapper.param_groups[0]['momentum'] == 0.8


def test_a_schedule_that_follows_validations(tmp_path):
    def plateau(patience):
        return dict(type='ReduceOnPlateauLR', monitor='accuracy', patience=patience)

    run(tmp_path / 'a', 2, plateau(2))
    resumed = run(tmp_path / 'a', 3, plateau(4), resume=True)
    (scheduler,) = resumed.param_schedulers
    assert (scheduler.patience, scheduler.end, scheduler._global_step) == (4, 3, 3)
    for schedule, optimizer in (
        (plateau(4), dict(SGD, lr=0.1)),
        ([dict(type='LinearLR', end=2), plateau(4)], SGD),
    ):
        with pytest.raises(UserError, match='param_scheduler follows the validations'):
            run(tmp_path / 'a', 4, schedule, resume=True, optimizer=optimizer)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(optimizer=dict(type='Adam', lr=0.01)), 'holds no amsgrad'),
        (
            dict(
                optim_wrapper=ConfigDict(
                    optimizer=dict(SGD, weight_decay=0.0),
                    paramwise_cfg=dict(norm_decay_mult=0.0),
                )
            ),
            'parameters in 1 groups, not',
        ),
    ],
)
def test_another_optimizer_is_one_line(changes, words, tmp_path):
    run(tmp_path / 'a', 1, None)
    with pytest.raises(UserError, match=f'--resume: optim_wrapper.*{words}'):
        run(tmp_path / 'a', 2, None, resume=True, **changes)
