"""A step as one launch: when it is recorded, and that it trains the same."""

import warnings
from pathlib import Path

import pytest
import torch
from graph_stand_in import StandIn, stand_in_for_a_gpu
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from small_runs import NO_VALIDATION, assert_same_weights, config, train
from torch import nn

from mcmi_plugin.fast import recorder
from mcmi_plugin.fast.step_graph import WARM_UP


@pytest.fixture
def stand_in(monkeypatch):
    return stand_in_for_a_gpu(monkeypatch)


def run(folder, graph: bool, backbone: str = 'SteadyBackbone', **changes):
    changes = {
        'model.backbone.type': backbone, 'train_cfg.graph': graph,
        **NO_VALIDATION, 'log_level': 'INFO', **changes,
    }  # fmt: skip
    return train(config(folder / str(graph), **changes))


def assert_close_weights(one, other) -> None:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    for name, value in ours.items():
        torch.testing.assert_close(
            value, theirs[name], rtol=1e-4, atol=1e-6, equal_nan=True
        )


def logged(runner) -> str:
    return ''.join(path.read_text() for path in Path(runner._log_dir).glob('*.log'))


VARIANTS = dict(
    plain={},
    rates={
        'param_scheduler': [dict(type='PolyLR', begin=0, end=10, by_epoch=False)],
        'optim_wrapper.clip_grad': dict(max_norm=0.1),
        'custom_hooks': [dict(type='EMAHook')],
    },
    another_optimizer={'optim_wrapper.optimizer': dict(type='RMSprop', lr=0.001)},
    momentum={
        'param_scheduler': [
            dict(type='LinearMomentum', start_factor=0.5, end=10, by_epoch=False)
        ]
    },
    teacher={
        'model.head.loss': dict(type='CMILoss', lmda=0.0, num_classes=10),
        'custom_hooks': [dict(type='CMIMonitorHook')],
    },
)


@pytest.mark.parametrize('name', VARIANTS)
def test_the_same_weights_history_and_log(name: str, tmp_path, stand_in) -> None:
    """Five steps an epoch, the last of them with a smaller batch, three epochs."""
    variant = {'train_cfg.max_epochs': 3, **VARIANTS[name]}
    graphed = run(tmp_path, True, **variant)
    (recorder,) = stand_in
    usual = run(tmp_path, False, **variant)
    assert_close_weights(graphed, usual)
    for key in ('train/loss', 'train/grad_norm', 'train/lr'):
        if key in usual.message_hub.log_scalars:
            ours, theirs = (
                torch.from_numpy(r.message_hub.get_scalar(key).data[0])
                for r in (graphed, usual)
            )
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    # Of 15 steps three are smaller batches and three come first.
    expected = 15 - 3 - WARM_UP
    if name == 'momentum':  # begun anew without the optimizer's step
        assert recorder.recordings == 2 and 0 < recorder.replays < expected
    else:
        assert (recorder.recordings, recorder.replays) == (1, expected)
    assert graphed.optim_wrapper._inner_count == usual.optim_wrapper._inner_count == 15
    assert graphed.optim_wrapper.param_groups[0].keys() == (
        usual.optim_wrapper.param_groups[0].keys()
    )
    if name == 'teacher':
        ours, theirs = (
            r.message_hub.get_info('mcmi_history') for r in (graphed, usual)
        )
        assert [one.keys() for one in ours] == [one.keys() for one in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one == pytest.approx(other, rel=1e-4)
    follows = name in ('another_optimizer', 'momentum')
    assert (', then ' in logged(graphed)) == follows


@HOOKS.register_module()
class ChangesAt(Hook):
    """Halves a weight of the loss when the third epoch begins."""

    def before_train_epoch(self, runner) -> None:
        if runner.epoch == 2:
            runner.model.head.loss_module.loss_weight = 0.5


@pytest.mark.parametrize('changed', [True, False])
def test_what_hooks_change_is_recorded_anew(changed, tmp_path, stand_in, monkeypatch):
    # Hooks of this project, as LossWarmupHook is, are known to look at no samples.
    monkeypatch.setattr(ChangesAt, '__module__', 'mcmi_plugin.hooks')
    hooks = {'custom_hooks': [dict(type='ChangesAt')]} if changed else {}
    graphed = run(tmp_path, True, **{'train_cfg.max_epochs': 4, **hooks})
    assert stand_in[0].recordings == 1 + changed
    usual = run(tmp_path, False, **{'train_cfg.max_epochs': 4, **hooks})
    assert_close_weights(graphed, usual)


def test_what_draws_on_the_cpu_is_not_recorded(tmp_path, stand_in) -> None:
    graphed = run(tmp_path, True, backbone='DropoutBackbone')
    usual = run(tmp_path, False, backbone='DropoutBackbone')
    assert_same_weights(graphed, usual)
    assert stand_in[0].recordings == 0
    line = 'fast.graph: steps run one by one: it draws random numbers on the CPU'
    assert logged(graphed).count(line) == 1


@pytest.mark.parametrize(
    ('attribute', 'value', 'why'),
    [
        ('waits', ['my_loss.py:7'], 'it waits for the device at my_loss.py:7'),
        ('error', RuntimeError('operation not permitted'), 'operation not permitted'),
    ],
)
def test_what_cannot_be_recorded_says_why(
    attribute, value, why, tmp_path, stand_in, monkeypatch
) -> None:
    init = StandIn.__init__
    monkeypatch.setattr(
        StandIn,
        '__init__',
        lambda self: (init(self), setattr(self, attribute, value))[0],
    )
    graphed = run(tmp_path, True)
    assert_same_weights(graphed, run(tmp_path, False))
    assert logged(graphed).count(f'fast.graph: steps run one by one: {why}') == 1
    assert stand_in[0].replays == 0


def test_rates_are_read_from_a_tensor(tmp_path, stand_in) -> None:
    """What others see of the optimizer is a number, as ever."""
    changes = {'param_scheduler': [dict(type='PolyLR', end=100, by_epoch=False)]}
    runner = run(tmp_path, True, **changes)
    (rate,) = runner.train_loop._graph._rates
    # The last step of all was not recorded: its batch is smaller.
    assert rate.item() == pytest.approx(0.05 * (1 - 8 / 99))
    assert runner.optim_wrapper.param_groups[0]['lr'] == pytest.approx(
        0.05 * (1 - 10 / 99)
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_without_a_gpu_one_line_says_so(tmp_path) -> None:
    runner = run(tmp_path, True)
    line = 'fast.graph: steps run one by one: there is no GPU'
    assert logged(runner).count(line) == 1
    assert_same_weights(runner, run(tmp_path, False))


def test_state_is_what_a_recording_takes_for_granted() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    before = recorder.state_of(network)
    with torch.no_grad():
        network[0].weight.mul_(2)  # the values may change
    assert recorder.same_state(recorder.state_of(network), before)
    for change in (
        lambda: setattr(network[1], 'p', 0.25),
        lambda: network[1].eval(),
        lambda: network[0].weight.requires_grad_(False),
        lambda: setattr(network[0], 'weight', nn.Parameter(torch.ones(2, 2))),
        lambda: network.register_forward_hook(print),
    ):
        before = recorder.state_of(network)
        change()
        assert not recorder.same_state(recorder.state_of(network), before)


@pytest.mark.parametrize('waits', [False, True])
def test_only_a_wait_is_taken_for_a_wait(waits: bool, monkeypatch) -> None:
    """torch warns of the mode itself, and of each wait, in these words."""
    mode = 'Synchronization debug mode is a prototype feature and does not yet detect '
    wait = 'called a synchronizing CUDA operation (Triggered internally at a.cpp:1.)'

    def set_mode(mode_name) -> None:
        warnings.warn(f'{mode}all synchronizing operations', stacklevel=1)

    monkeypatch.setattr(torch.cuda, 'get_sync_debug_mode', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', set_mode)
    with recorder.Recorder().watching() as places:
        if waits:
            warnings.warn(wait, stacklevel=1)
    assert len(places) == waits
