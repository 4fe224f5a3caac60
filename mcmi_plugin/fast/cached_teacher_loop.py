"""Validation of a distillation in which the frozen teacher is measured once."""

import itertools

import torch
from mmengine.dist import all_gather_object
from mmengine.registry import LOOPS
from mmpretrain.utils import get_ori_model
from mmrazor.engine import SingleTeacherDistillValLoop
from torch import nn

from mcmi_plugin.fast.known import always_gives_the_same
from mcmi_plugin.log import log_line
from mcmi_plugin.weights.loading import weights_hash


@LOOPS.register_module()
class CachedTeacherValLoop(SingleTeacherDistillValLoop):
    """MMRazor's loop, which reports student and teacher, at the student's cost.

    Upstream evaluates the frozen teacher anew at every validation, on the same
    images with the same result. Here its metrics are kept for as long as its
    weights and buffers have the values they had (:func:`values_of`, in every
    process); the hooks of a validation's iterations then see the student's alone.
    A trainable teacher is evaluated every time, and so is any where the images may be
    others every time: the log says which data set is not known not to change them.

    Metrics: as upstream's, the student's by their own names and the teacher's as
    ``teacher.NAME``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # What it was measured with, and the metrics.
        self._measured: tuple[str, dict[str, float]] | None = None
        self._is_steady: bool | None = None

    def run(self) -> dict[str, float]:
        """Validate, and return the metrics."""
        runner = self.runner
        runner.call_hook('before_val')
        runner.call_hook('before_val_epoch')
        runner.model.eval()
        metrics = self._evaluate(self.run_iter)
        of_teacher = self._of_teacher()
        metrics.update({f'teacher.{name}': of_teacher[name] for name in of_teacher})
        runner.call_hook('after_val_epoch', metrics=metrics)
        runner.call_hook('after_val')
        return metrics

    def _of_teacher(self) -> dict[str, float]:
        learns = get_ori_model(self.runner.model).teacher_trainable
        if learns or not self._has_steady_images():
            return self._evaluate(self.run_iter_teacher)
        values = values_of(self.teacher)
        is_known = self._measured is not None and self._measured[0] == values
        # Or the processes would wait for each other.
        if self._measured is None or not all(all_gather_object(is_known)):
            self._measured = values, self._evaluate(self.run_iter_teacher)
        else:
            # torch's loader draws a seed when it is asked; without it, dropout would
            # see other numbers in the next epoch.
            torch.empty((), dtype=torch.int64).random_(
                generator=self.dataloader.generator
            )
        return self._measured[1]

    def _has_steady_images(self) -> bool:
        dataset = self.dataloader.dataset
        steady = always_gives_the_same(dataset)
        if not steady and self._is_steady is not False:
            log_line(
                f'CachedTeacherValLoop: {type(dataset).__name__}, or its pipeline, may '
                'give other images every time; the teacher is measured every time too'
            )
        self._is_steady = steady
        return steady

    def _evaluate(self, run_iter) -> dict[str, float]:
        for index, batch in enumerate(self.dataloader):
            run_iter(index, batch)
        return self.evaluator.evaluate(len(self.dataloader.dataset))


def values_of(network: nn.Module) -> str:
    """A digest of all parameters and buffers, whoever has written them, and how.

    A tensor's count of its changes does not see what is written through ``.data``,
    as EMAHook writes.
    """
    named = itertools.chain(network.named_parameters(), network.named_buffers())
    return weights_hash(dict(named))
