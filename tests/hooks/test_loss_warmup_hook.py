"""The warm-up of DKD's and ReviewKD's loss."""

from types import SimpleNamespace

import pytest
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmrazor.registry import HOOKS, MODELS
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.loss_warmup_hook import LossWarmupHook


class Model(nn.Module):
    def __init__(self, **losses: dict) -> None:
        super().__init__()
        self.distiller = nn.Module()
        modules = {name: MODELS.build(config) for name, config in losses.items()}
        self.distiller.distill_losses = nn.ModuleDict(modules)


DKD = {'type': 'DKDLoss', 'tau': 4, 'beta': 8.0, 'reduction': 'batchmean'}


def runner(model: nn.Module, epoch: int = 0, loop: type = EpochBasedTrainLoop):
    return SimpleNamespace(model=model, epoch=epoch, train_loop=loop.__new__(loop))


def build(losses: list[str], epochs: int = 20) -> LossWarmupHook:
    return HOOKS.build({'type': 'LossWarmupHook', 'losses': losses, 'epochs': epochs})


def weights(model: nn.Module, hook: LossWarmupHook, epochs: range) -> list[float]:
    hook.before_train(runner(model, epochs[0]))
    result = []
    for epoch in epochs:
        hook.before_train_epoch(runner(model, epoch))
        result.append(model.distiller.distill_losses['loss_dkd'].loss_weight)
    return result


def test_weight_rises_from_the_first_epoch_to_the_last_of_the_warmup() -> None:
    model = Model(loss_dkd=DKD | {'loss_weight': 2.0}, loss_kd={'type': 'KLDivergence'})
    result = weights(model, build(['loss_dkd']), range(240))
    assert result[:20] == pytest.approx([2 * epoch / 20 for epoch in range(1, 21)])
    assert result[20:] == [2.0] * 220
    assert model.distiller.distill_losses['loss_kd'].loss_weight == 1.0


def test_imagenet_has_full_weight_at_once() -> None:
    assert weights(Model(loss_dkd=DKD), build(['loss_dkd'], 1), range(3)) == [1.0] * 3


def test_resumed_run_goes_on_with_its_epoch() -> None:
    whole = weights(Model(loss_dkd=DKD), build(['loss_dkd']), range(30))
    resumed = weights(Model(loss_dkd=DKD), build(['loss_dkd']), range(7, 30))
    assert resumed == whole[7:]


def test_training_twice_does_not_scale_twice() -> None:
    model, hook = Model(loss_dkd=DKD), build(['loss_dkd'])
    assert weights(model, hook, range(3)) == weights(model, hook, range(3))


def test_wrapped_model() -> None:
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapper)
    wrapper.module = Model(loss_dkd=DKD)
    hook = build(['loss_dkd'])
    hook.before_train(runner(wrapper))
    hook.before_train_epoch(runner(wrapper, epoch=4))
    assert wrapper.module.distiller.distill_losses['loss_dkd'].loss_weight == 0.25


def test_unknown_loss() -> None:
    with pytest.raises(UserError, match=r"names 'loss_dk', .* are \['loss_dkd'\]"):
        build(['loss_dk']).before_train(runner(Model(loss_dkd=DKD)))
    with pytest.raises(UserError, match=r'LossWarmupHook.losses'):
        build(['loss_dkd']).before_train(runner(nn.Module()))


def test_training_counted_in_iterations() -> None:
    with pytest.raises(UserError, match='by_epoch=True'):
        build(['loss_dkd']).before_train(
            runner(Model(loss_dkd=DKD), loop=IterBasedTrainLoop)
        )


@pytest.mark.parametrize('epochs', [0, -1, 0.5])
def test_a_warmup_of_no_epochs(epochs) -> None:
    with pytest.raises(
        UserError, match=f'LossWarmupHook.epochs={epochs}: .* from 1 on'
    ):
        build(['loss_dkd'], epochs)
