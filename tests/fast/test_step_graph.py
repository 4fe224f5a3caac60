"""A step as one launch: when it is recorded, and that it trains the same.

Without a GPU a recorder stands in that takes the step as CUDA does: it runs nothing
when it records, and when it replays it fills the same tensors, by the numbers that
the optimizer had when it was recorded.
"""

import copy
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from pairs import KD
from small_runs import assert_same_weights, config, train
from torch import nn

from mcmi_plugin.fast import lean_epoch_loop, recorder
from mcmi_plugin.fast.step_graph import WARM_UP, StepGraph

NO_VALIDATION = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')


@MODELS.register_module()
class SteadyBackbone(BaseBackbone):
    """8 x 8 images to 16 features; nothing is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
            nn.Linear(36, 16),
        )  # fmt: skip

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.layers(inputs),)


class StandIn:
    """As :class:`.recorder.Recorder`."""

    made: list['StandIn'] = []

    def __init__(self) -> None:
        self.made.append(self)
        self.recordings = self.replays = self.asides = 0
        self.waits, self.error = [], None

    def aside(self, call):
        self.asides += 1
        return call()

    @contextmanager
    def watching(self):
        yield list(self.waits)

    def record(self, call):
        if self.error is not None:
            raise self.error
        graph = self.made_by
        model, optimizer = graph.model, graph.optim_wrapper.optimizer
        self.recordings += 1
        before = copy.deepcopy([model.state_dict(), optimizer.state_dict()['state']])
        counted = [
            vars(s) for m in model.modules() if (s := getattr(m, 'statistics', 0))
        ]
        sums = copy.deepcopy(counted)
        names, filled = call()
        model.load_state_dict(before[0])
        for now, old in zip(counted, sums, strict=True):
            for key in ('prob_sum', 'counts', 'entropy_sum', 'log_prob_sum', 'correct'):
                now[key].copy_(old[key])
        for state, old in zip(
            optimizer.state.values(), before[1].values(), strict=True
        ):
            for key, value in state.items():
                value.copy_(old[key])
        static = [(p, p.grad) for p in model.parameters() if p.grad is not None]
        numbers = [dict(group) for group in optimizer.param_groups]

        def replay() -> None:
            self.replays += 1
            now = [dict(group) for group in optimizer.param_groups]
            count = graph.optim_wrapper._inner_count
            for group, old in zip(optimizer.param_groups, numbers, strict=True):
                group.update(old)
            for parameter, _ in static:
                parameter.grad = None
            filled.copy_(call()[1])
            graph.optim_wrapper._inner_count = count
            for parameter, gradient in static:
                gradient.copy_(parameter.grad)
                parameter.grad = None
            for group, old in zip(optimizer.param_groups, now, strict=True):
                group.clear()
                group.update(old)

        return replay, (names, filled)


@pytest.fixture
def stand_in(monkeypatch):
    """As if there were a GPU; the recorders that are made."""

    class Graph(StepGraph):
        def __init__(self, model, optim_wrapper) -> None:
            super().__init__(model, optim_wrapper, StandIn())
            self.recorder.made_by = self

    StandIn.made = []
    monkeypatch.setattr(lean_epoch_loop, 'StepGraph', Graph)
    monkeypatch.setattr(lean_epoch_loop, '_why_no_graph', lambda *args: '')
    return StandIn.made


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


OPTIMIZERS = dict(
    sgd=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4)),
    clipped=dict(
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9), clip_grad=dict(max_norm=0.1)
    ),
    adamw=dict(optimizer=dict(type='AdamW', lr=1e-3)),
    follows=dict(optimizer=dict(type='RMSprop', lr=1e-4)),
    bf16=dict(
        type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False),
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9),
    ),
    fp16=dict(
        type='AmpOptimWrapper', loss_scale='dynamic',
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9),
    ),
)  # fmt: skip


@NEEDS_GPU
@pytest.mark.parametrize('name', OPTIMIZERS)
def test_on_a_gpu_the_weights_after_50_steps(name: str, tmp_path) -> None:
    """A ResNet-14's ResNet-8, ten epochs of five steps, the last of them smaller."""
    own = dict(OPTIMIZERS[name])
    changes = {
        'train_cfg.max_epochs': 10, 'model': dict(distillation(), _delete_=True),
        'optim_wrapper': dict(own, _delete_=True),
        'param_scheduler': [dict(type='PolyLR', begin=0, end=50, by_epoch=False)],
    }  # fmt: skip
    runners = []
    for graph in (True, False):
        changes['train_cfg.graph'] = graph
        cfg = config(tmp_path / str(graph), **NO_VALIDATION, log_level='INFO')
        cfg.pop('model'), cfg.pop('optim_wrapper')
        cfg.merge_from_dict(changes)
        torch.backends.cudnn.deterministic = True
        runners.append(train(cfg))
    graphed, usual = runners
    assert 'fast.graph: a step is one launch' in logged(graphed)
    start = MODELS.build(distillation()).state_dict()
    assert start.keys() == usual.model.state_dict().keys()
    coarse = name in ('bf16', 'fp16')
    for key, value in usual.model.state_dict().items():
        if value.is_floating_point() and value.numel() > 1:
            apart = (graphed.model.state_dict()[key] - value).norm()
            assert apart <= (0.1 if coarse else 0.02) * value.norm() + 1e-6, key


def distillation() -> dict:
    def network(depth: int) -> dict:
        return dict(
            type='ImageClassifier',
            backbone=dict(type='CIFARResNet', depth=depth),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
        )

    fc = dict(fc=dict(type='ModuleOutputs', source='head.fc'))
    return dict(
        _scope_='mmrazor',
        type='LeanDistill',
        architecture=dict(network(8), _scope_='mmpretrain'),
        teacher=dict(network(14), _scope_='mmpretrain'),
        distiller=dict(
            type='ConfigurableDistiller', student_recorders=fc, teacher_recorders=fc,
            **copy.deepcopy(KD),
        ),
        data_preprocessor=dict(
            type='mmpretrain.ClsDataPreprocessor', mean=[78] * 3, std=[96] * 3
        ),
    )  # fmt: skip


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
