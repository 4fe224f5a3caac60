"""Linear warm-up of distillation losses, for DKD and ReviewKD."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.utils import get_ori_model

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import require_whole


@HOOKS.register_module()
class LossWarmupHook(Hook):
    """Scale ``loss_weight`` by min(epoch / epochs, 1), epochs counted from 1.

    Zhao et al., *Decoupled Knowledge Distillation*, CVPR 2022, and ReviewKD, both as
    in mdistiller. It works on any loss with a ``loss_weight``, MMRazor's included.
    The factor depends on the epoch alone, so a resumed run goes on where it was.

    Args:
        losses: keys of ``distill_losses``.
        epochs: length of the warm-up; 20 on CIFAR-100, 1 on ImageNet: none.

    Raises:
        UserError: ``epochs`` is no whole number from 1 on.
    """

    def __init__(self, losses: Sequence[str], epochs: int = 20) -> None:
        require_whole('custom_hooks: LossWarmupHook.epochs', epochs, 1)
        self.losses = tuple(losses)
        self.epochs = epochs
        self._full_weights: dict[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Note the weights that the config asks for.

        Raises:
            UserError: no such loss, or training counted in iterations, where the
                first epoch never ends.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise UserError(
                'train_cfg: LossWarmupHook counts epochs; set by_epoch=True'
            )
        if not self._full_weights:  # not again: by then they may be scaled
            self._full_weights = {
                name: loss.loss_weight for name, loss in self._modules(runner).items()
            }

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the weights of this epoch."""
        factor = min((runner.epoch + 1) / self.epochs, 1.0)
        for name, loss in self._modules(runner).items():
            loss.loss_weight = factor * self._full_weights[name]

    def _modules(self, runner: Runner) -> dict[str, Any]:
        model = get_ori_model(runner.model)
        distiller = getattr(model, 'distiller', None)
        available = getattr(distiller, 'distill_losses', {})
        for name in self.losses:
            if name not in available or not hasattr(available[name], 'loss_weight'):
                raise UserError(
                    f'custom_hooks: LossWarmupHook.losses names {name!r}, but the '
                    'losses with a loss_weight in model.distiller.distill_losses are '
                    f'{[k for k in available if hasattr(available[k], "loss_weight")]}'
                )
        return {name: available[name] for name in self.losses}
