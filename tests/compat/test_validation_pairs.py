"""Hooks that act before and after a validation, in MMRazor's loops."""

from types import SimpleNamespace

import mmengine.hooks
import mmpretrain.engine
import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmrazor.engine import (
    SelfDistillValLoop,
    SingleTeacherDistillValLoop,
    SlimmableValLoop,
)
from torch import nn

from mcmi_plugin.fast import CachedTeacherValLoop


class Classifier(nn.Module):
    """Is right as often as its weight says."""

    def __init__(self, right: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(right))

    def val_step(self, batch) -> list[dict]:
        return [dict(right=self.weight.item())]


class Distiller(Classifier):
    data_preprocessor, teacher_trainable = None, False

    def __init__(self) -> None:
        super().__init__(0.5)
        self.teacher = Classifier(0.75)
        self.chosen: list[int] = []
        self.mutator = SimpleNamespace(subnets=[4, 8], set_choices=self.chosen.append)


class Right(BaseMetric):
    def process(self, data_batch, data_samples) -> None:
        self.results += data_samples

    def compute_metrics(self, results: list) -> dict:
        return results[0]


class Data(list):
    metainfo: dict = {}


class Loader(list):
    dataset = Data([None])


def runner_with(hook) -> SimpleNamespace:
    """No more of a Runner than a validation needs; its student has moved on."""

    def call_hook(name: str, **kwargs) -> None:
        if name.endswith('val_epoch'):
            runner.told.append((name, kwargs.get('metrics')))
            getattr(hook, name)(runner, **kwargs)

    runner = SimpleNamespace(
        model=Distiller(), distributed=False, call_hook=call_hook, told=[], hook=hook,
        default_scope=None, visualizer=SimpleNamespace(),
    )  # fmt: skip
    if hasattr(hook, 'ema_cfg'):
        hook.before_run(runner)  # takes its copy
    with torch.no_grad():
        runner.model.weight.fill_(0.25)
    return runner


def loop_of(kind: type, runner: SimpleNamespace):
    return kind(runner, Loader([None]), Evaluator(Right()))


@pytest.mark.parametrize('hook', [mmengine.hooks.EMAHook, mmpretrain.engine.EMAHook])
@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        (SingleTeacherDistillValLoop, {'right': 0.5, 'teacher.right': 0.75}),
        (CachedTeacherValLoop, {'right': 0.5, 'teacher.right': 0.75}),
        (SelfDistillValLoop, {'student.right': 0.5}),
        (SlimmableValLoop, {'subnet_0.right': 0.5, 'subnet_1.right': 0.5}),
    ],
)
def test_training_goes_on_from_the_weights_it_had(kind, expected, hook):
    runner = runner_with(hook())
    loop = loop_of(kind, runner)
    for _ in range(2):
        loop.run()
        begun, (ended, metrics) = runner.told[-2:]
        assert (begun[0], ended) == ('before_val_epoch', 'after_val_epoch')
        assert metrics == expected  # of the average
        assert runner.model.weight.item() == 0.25
        assert runner.hook.ema_model.module.weight.item() == 0.5
    assert len(runner.told) == 4


def test_a_validation_that_fails_leaves_the_runner_as_it_was():
    runner = runner_with(mmengine.hooks.Hook())
    before = runner.call_hook
    loop = loop_of(SingleTeacherDistillValLoop, runner)
    loop.teacher = None
    with pytest.raises(AttributeError):
        loop.run()
    assert runner.call_hook is before
