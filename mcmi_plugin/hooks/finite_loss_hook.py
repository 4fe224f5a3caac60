"""NaN or infinity stops a training, and is called by its name."""

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mcmi_plugin.errors import UserError

INTERVAL = 10  # where nothing is logged; LoggerHook's own default
REMEDY = (
    'lower optim_wrapper.optimizer.lr, set optim_wrapper.clip_grad, or train without '
    '--amp'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop when a term of the loss is NaN or infinite, and say which was the first.

    It reads what the message hub has recorded for the log anyway, whenever the log
    is due and at the end of an epoch, so that no step waits for the device. Bad
    gradients make bad weights, and those show in the next iteration's losses;
    weights that have gone bad are not saved in between.

    Raises:
        UserError: it names the term and its iteration, or the weight.
    """

    # After the LoggerHook, so that the log shows it, before the CheckpointHook.
    priority = 'LOW'

    def before_train(self, runner: Runner) -> None:
        intervals = [h.interval for h in runner.hooks if isinstance(h, LoggerHook)]
        self.interval = min(intervals, default=INTERVAL)
        self.checked = runner.iter  # iterations looked at, in this run or before it

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            self._check(runner, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        self._check(runner, runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # A buffer may be infinite by intent, as centroids not yet taken are.
        own = {name for name, _ in get_ori_model(runner.model).named_parameters()}
        for name, value in checkpoint['state_dict'].items():
            if name in own and not value.isfinite().all():
                raise UserError(
                    f'{name} is NaN or infinite by iteration {runner.iter}, so this '
                    f'checkpoint is not saved; {REMEDY}'
                )

    def _check(self, runner: Runner, done: int) -> None:
        new, self.checked = done - self.checked, done
        first = first_not_finite(runner.message_hub.log_scalars, new)
        if first is not None:
            name, value, age = first
            raise UserError(
                f'{name} is {value} in iteration {done - age} (epoch '
                f'{runner.epoch + 1}); {REMEDY}'
            )


def first_not_finite(scalars: dict, new: int) -> tuple[str, float, int] | None:
    """The term of the loss that was the first not to be finite.

    Args:
        scalars: name -> HistoryBuffer, as in mmengine's message hub.
        new: how many of the latest iterations to look at.

    Returns:
        Its name, its value, and how many iterations ago; None if all are finite.
        Of several in one iteration it is the first in the model's order; the sum,
        ``loss``, is named only where no term is to blame.
    """
    found = []
    for key, history in scalars.items():
        name = key.removeprefix('train/')
        if new < 1 or name == key or 'loss' not in name:
            continue
        values = torch.from_numpy(history.data[0][-new:])
        bad = (~values.isfinite()).nonzero().flatten()
        if len(bad):
            index = int(bad[0])
            age = len(values) - 1 - index
            found.append((age, name != 'loss', name, float(values[index])))
    if not found:
        return None
    # max() keeps the first of equals: the oldest, a term before the sum.
    age, _, name, value = max(found, key=lambda one: one[:2])
    return name, value, age
