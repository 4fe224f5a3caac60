"""No loop waits for the device: hooks, metrics and passes, walked on one.

What is registered is walked: a new hook that acts in an iteration is here by itself.
"""

import inspect
from pathlib import Path

import pytest
import torch
from devices import DEVICES, on
from mmpretrain.structures import DataSample
from small_runs import config, train
from walked import BATCH, CLASSES, registered, sgd

import mcmi_plugin.hooks
from mcmi_plugin.evaluation.measure import measure
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.temperature import TemperatureCurve


class Walked(Exception):
    """The batches are at their end, and what follows may wait."""


class Batches:
    """A loader whose last batch never comes."""

    def __init__(self, loader, batches) -> None:
        self.dataset, self.sampler = loader.dataset, loader.sampler
        self.batch_sampler, self.batches = loader.batch_sampler, batches

    def __len__(self) -> int:
        return 1000

    def __iter__(self):
        yield from self.batches
        raise Walked


def act_in_an_iteration() -> set[str]:
    return {
        name
        for name, hook in registered('HOOKS').items()
        if any(stage.endswith('_train_iter') for stage in vars(hook))
    }


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A Runner after an epoch of every hook that acts in an iteration."""
    folder = tmp_path_factory.mktemp('walked')
    loss = dict(type='CMILoss', lmda=0.0, num_classes=CLASSES)
    hooks = [dict(type=name) for name in sorted(act_in_an_iteration())]
    assert inspect.ismodule(mcmi_plugin.hooks) and len(hooks) >= 2
    changes = {
        'model.head.loss': loss,
        'custom_hooks': [*hooks, dict(type='EMAHook')],
        'default_hooks.logger.interval': 1000,  # when the log is due, it may wait
        'optim_wrapper.clip_grad': dict(max_norm=1.0),
        'param_scheduler': [dict(type='PolyLR', end=100, by_epoch=False)],
        'val_evaluator': [dict(type=name) for name in registered('METRICS')],
    }

    def run():
        return train(config(Path(folder), **changes))

    return run


def small_batch(place) -> dict:
    images = torch.randint(256, (BATCH, 3, 8, 8), dtype=torch.uint8)
    sample = DataSample().set_gt_label(place.tensor(torch.arange(BATCH)))
    return dict(inputs=place.tensor(images), data_samples=[sample])


@pytest.mark.parametrize('device', DEVICES)
def test_the_loop_with_its_hooks_and_the_metrics(device: str, trained) -> None:
    runner = trained()
    model, loop = runner.model, runner.train_loop
    with on(device) as place:
        place.move(model)
        for hook in runner.hooks:
            hook.statistics = None  # CMIMonitorHook's are on the CPU
            if hasattr(hook, 'ema_model'):
                averaged = place.move(hook.ema_model)
                if hasattr(
                    averaged, 'avg_parameters'
                ):  # known by name since it was made
                    averaged.avg_parameters = dict(averaged.module.named_parameters())
                hook.ema_model.steps = torch.tensor(0)  # which stays on the CPU
        runner.optim_wrapper.optimizer = sgd(model).optimizer
        batches = [small_batch(place) for _ in range(3)]
        loop.dataloader = Batches(loop.dataloader, batches)
        with pytest.raises(Walked):
            loop.run_epoch()
        validation = runner.val_loop
        validation.dataloader = Batches(validation.dataloader, batches)
        with pytest.raises(Walked):
            validation.run()
        with pytest.raises(Walked):
            measure(model, validation.dataloader, CLASSES)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('kind', [ClassStatistics, TemperatureCurve])
def test_statistics(kind: type, device: str) -> None:
    with on(device) as place:
        statistics = kind(CLASSES, device=place.device)
        logits = place.tensor(torch.zeros(BATCH, CLASSES))
        statistics.update(logits, place.tensor(torch.arange(BATCH)))
        sums = [v for v in vars(statistics).values() if isinstance(v, torch.Tensor)]
        assert all(value.device.type == device for value in sums)
