"""LeanEpochLoop against EpochBasedTrainLoop: weights, history, hooks."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook, IterTimerHook, LoggerHook, RuntimeInfoHook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import LogProcessor
from small_runs import assert_same_weights, config, history, train
from torch import nn

from mcmi_plugin.fast.postponed_log import PostponedLog

VARIANTS = dict(
    plain={},
    accumulate={'optim_wrapper.accumulative_counts': 2},
    much={
        'param_scheduler': [dict(type='PolyLR', begin=0, end=10, by_epoch=False)],
        'optim_wrapper.clip_grad': dict(max_norm=0.1),
        'model.head.cal_acc': True,
        'model.head.topk': (1, 2),
        'custom_hooks': [dict(type='EMAHook'), dict(type='FiniteLossHook')],
    },
)


def both(tmp_path, **changes) -> tuple:
    changes = {'val_dataloader': None, 'val_cfg': None, **changes}
    changes['val_evaluator'] = None
    return tuple(
        train(config(tmp_path / str(lean), lean=lean, **changes))
        for lean in (False, True)
    )


def logged(runner) -> list[dict]:
    """The lines of the log for machines, without times."""
    (file,) = Path(runner.work_dir).glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k not in ('time', 'data_time')}
        for line in lines
    ]


@pytest.mark.parametrize('name', VARIANTS)
def test_same_weights_history_and_log(name: str, tmp_path) -> None:
    stock, lean = both(tmp_path, **VARIANTS[name])
    assert_same_weights(lean, stock)
    keys = set(stock.message_hub.log_scalars)
    assert set(lean.message_hub.log_scalars) == keys
    for key in keys - {'train/lr', 'train/time', 'train/data_time', 'train/grad_norm'}:
        assert history(lean, key) == history(stock, key), key
    assert history(lean, 'train/lr')[-1] == history(stock, 'train/lr')[-1]
    assert logged(lean) == logged(stock) and len(logged(lean)) == 4
    for info in ('iter', 'epoch'):
        assert lean.message_hub.get_info(info) == stock.message_hub.get_info(info)


@HOOKS.register_module()
class LossReader(Hook):
    """A user's hook that looks at every loss when it is there."""

    def __init__(self) -> None:
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        recorded = runner.message_hub.get_scalar('train/loss').current()
        assert recorded == outputs['loss'].item()
        self.seen.append((runner.iter, len(data_batch['inputs']), recorded))


@HOOKS.register_module()
class ByMode(Hook):
    """A hook of all modes' iterations, as IterTimerHook is."""

    def __init__(self) -> None:
        self.calls = []

    def _before_iter(self, runner, batch_idx, data_batch=None, mode='train'):
        self.calls.append((mode, batch_idx))


def test_hooks_that_are_not_known_are_called_in_every_iteration(tmp_path) -> None:
    hooks = [dict(type='LossReader'), dict(type='ByMode')]
    stock, lean = both(tmp_path, custom_hooks=hooks)
    found = [
        [
            hook.seen if isinstance(hook, LossReader) else hook.calls
            for hook in r.hooks
            if isinstance(hook, LossReader | ByMode)
        ]
        for r in (stock, lean)
    ]
    assert found[0] == found[1] and all(len(calls) == 10 for calls in found[1])
    assert history(lean, 'train/lr') == history(stock, 'train/lr')


def test_losses_are_recorded_only_when_the_log_is_due(tmp_path, monkeypatch) -> None:
    at, original = [], RuntimeInfoHook.after_train_iter

    def note(self, runner, *args, **kwargs):
        at.append(runner.iter)
        return original(self, runner, *args, **kwargs)

    monkeypatch.setattr(RuntimeInfoHook, 'after_train_iter', note)
    train(config(tmp_path))
    # An epoch of 5, logged every 2 and at its end.
    assert at == [1, 1, 3, 3, 4, 6, 6, 8, 8, 9]


def test_durations_and_time_left(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr('mcmi_plugin.fast.postponed_log.time.time', lambda: now[0])
    hub = MessageHub.get_instance('durations')
    hooks = [RuntimeInfoHook(), IterTimerHook(), LoggerHook(interval=4)]
    runner = SimpleNamespace(
        message_hub=hub,
        log_processor=LogProcessor(window_size=3),
        train_dataloader=range(8),
        optim_wrapper=SimpleNamespace(get_lr=lambda: {'lr': [0.5]}),
        iter=3,
        max_iters=24,
    )
    monkeypatch.setattr(hooks[2], 'after_train_iter', lambda *_: None)
    assert PostponedLog.fits(runner, hooks)
    log = PostponedLog(runner, hooks)
    for i in range(4):
        now[0] += 0.25  # the data
        log.before_iteration(i)
        now[0] += 1.75
        log.after_iteration(i, i, dict(loss=torch.tensor(float(i))))
    scalars = {key: hub.get_scalar(key).data[0].tolist() for key in hub.log_scalars}
    assert scalars == {
        'train/loss': [0, 1, 2, 3],
        'train/lr': [0.5] * 3,
        'train/data_time': [0.25] * 3,
        'train/time': [2.0] * 3,
    }
    assert hub.get_info('eta') == 20 * 2.0
    runner.log_processor.custom_cfg = [dict(data_src='loss', method_name='max')]
    assert not PostponedLog.fits(runner, hooks)


def test_checkpoints_by_iteration(tmp_path) -> None:
    checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=3)
    train(config(tmp_path, **{'default_hooks.checkpoint': checkpoint}))
    assert {file.name for file in tmp_path.glob('iter_*.pth')} == {
        f'iter_{iteration}.pth' for iteration in (3, 6, 9, 10)
    }


@MODELS.register_module()
class CountingClassifier(BaseModel):
    """A model with a step of its own."""

    def __init__(self, data_preprocessor=None) -> None:
        super().__init__(data_preprocessor)
        self.weight = nn.Parameter(torch.ones(()))
        self.steps = 0

    def train_step(self, data, optim_wrapper):
        self.steps += 1
        return super().train_step(data, optim_wrapper)

    def forward(self, inputs, data_samples=None, mode='loss'):
        return dict(loss=self.weight**2)


def test_a_step_of_the_models_own_is_taken(tmp_path) -> None:
    changes = dict(model=dict(_delete_=True, type='CountingClassifier'))
    changes |= dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
    assert train(config(tmp_path, **changes)).model.steps == 10


def test_a_compiled_step_is_taken(tmp_path, monkeypatch) -> None:
    """``compile`` of a config puts it into the model itself."""
    steps = []

    def compiled(func, **options):
        assert options == dict(backend='eager')
        return lambda *args, **kwargs: steps.append(1) or func(*args, **kwargs)

    monkeypatch.setattr(torch, 'compile', compiled)
    stock, lean = both(tmp_path, compile=dict(backend='eager'))
    assert len(steps) == 20
    assert_same_weights(lean, stock)


@HOOKS.register_module()
class OtherOrder(Hook):
    """Names its arguments in an order of its own, which mmengine allows."""

    def __init__(self) -> None:
        self.seen = []

    def before_train_iter(self, runner, data_batch=None, batch_idx=0):
        self.seen.append((batch_idx, len(data_batch['inputs'])))

    def after_train_iter(self, runner, outputs=None, data_batch=None, batch_idx=0):
        self.seen.append((batch_idx, len(data_batch['inputs']), list(outputs)))


def test_hooks_are_called_by_name(tmp_path) -> None:
    stock, lean = both(tmp_path, custom_hooks=[dict(type='OtherOrder')])
    seen = [
        next(hook.seen for hook in r.hooks if isinstance(hook, OtherOrder))
        for r in (stock, lean)
    ]
    assert seen[0] == seen[1] and len(seen[0]) == 20
