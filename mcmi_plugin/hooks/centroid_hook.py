"""Centroids before a fine-tune, and what the teacher was before and after it."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn

from mcmi_plugin.datasets.class_selection import class_names
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.measure import (
    is_worse_than_guessing,
    measure,
    measured,
    statistics_of,
    summary,
)
from mcmi_plugin.evaluation.predictions import hard_labels
from mcmi_plugin.functional.mcmi import safe_lambda
from mcmi_plugin.functional.rewards import without_label
from mcmi_plugin.isolation import random_numbers_kept
from mcmi_plugin.log import log_line
from mcmi_plugin.losses.cmi_loss import CMILoss, find_cmi_loss


@HOOKS.register_module()
class CentroidHook(Hook):
    """Give the model's ``CMILoss`` its centroids before the first step.

    They are taken in one pass over the training set (eq. 13). A resumed run finds
    them in its checkpoint. Centroids of the wrong classes are taken anew before
    every epoch. Where lambda pulls at them, or they follow the model, another pass
    tells what the training steps start from, for the cliff, for the budget and for
    the log (``mcmi_start`` in the message hub).

    The first pass, and another one at the end, tell accuracy, LL and CMI before
    and after; they are kept in the message hub under ``mcmi_before`` and
    ``mcmi_after``.

    Args:
        dataloader: config of a loader of the training set, unaugmented, whose
            sampler repeats no sample.
        val_dataloader: the same of the validation set, to be measured too.
        mode: ``'eval'``, or ``'train'``: centroids in train mode on the training
            loader itself, as in the authors' release.
    """

    # Before hooks that look at the loss or log, after the sampler's seed.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self, dataloader: dict, val_dataloader: dict | None = None, mode: str = 'eval'
    ) -> None:
        self.loaders: dict[str, Any] = dict(train=dataloader)  # configs, then built
        if val_dataloader is not None:
            self.loaders['val'] = val_dataloader
        self.mode = mode

    def before_train(self, runner: Runner) -> None:
        """Take the centroids.

        Raises:
            UserError: a class without a sample, or training counted in iterations,
                where a pass over the training set may have no end.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise UserError('train_cfg: CentroidHook counts epochs; set by_epoch=True')
        self.loaders = {
            split: runner.build_dataloader(loader)
            for split, loader in self.loaders.items()
        }
        loss = find_cmi_loss(runner.model)
        if 'mcmi_before' in runner.message_hub.runtime_info:
            return  # resumed, and the centroids with it
        before = statistics_of(
            runner.model, self.loaders, loss.num_classes, 'before the fine-tune'
        )
        figures = {split: summary(found) for split, found in before.items()}
        runner.message_hub.update_info('mcmi_before', figures)
        if is_worse_than_guessing(figures['train']['ll'], loss.num_classes):
            runner.message_hub.update_info('mcmi_worse_than_guessing', True)
        statistics = before['train']
        if self.mode == 'train':
            statistics = measure(
                runner.model,
                runner.train_dataloader,
                loss.num_classes,
                train_mode=True,
                title='centroids in train mode',
            )
        missing = statistics.missing_classes()
        if missing:
            names = class_names(self.loaders['train'].dataset, loss.num_classes)
            named = ', '.join(f'{names[c]} ({c})' for c in missing[:5])
            named += f' and {len(missing) - 5} more' * (len(missing) > 5)
            raise UserError(
                f'train_dataloader.dataset: no sample of class {named}, so it has no '
                'centroid; add samples, or set model.teacher.head.num_classes to the '
                'classes there are and take their rows of the teacher: '
                'tools/convert_checkpoint.py --classes'
            )
        log_centroids = statistics.log_centroids()
        bound = safe_lambda(log_centroids)
        runner.message_hub.update_info('mcmi_safe_lambda', bound)
        words = f'centroids of {loss.num_classes} classes taken'
        if loss.reward != 'wrong_class':
            loss.set_centroids(log_centroids)
        if loss.form == 'fixed' and loss.reward == 'cmi':
            words += (
                f'; labels may begin to flip near lambda {bound:.3g} '
                f'(lambda is {loss.lmda:g})'
            )
        log_line(words)
        if loss.form != 'fixed' or (loss.reward == 'cmi' and loss.lmda > 0):
            self._start(runner, loss)

    def before_train_epoch(self, runner: Runner) -> None:
        loss = find_cmi_loss(runner.model)
        if loss.reward == 'wrong_class':
            scores = _WrongClassScores(runner.model)
            title = 'centroids of the wrong classes'
            statistics = measure(
                scores, self.loaders['train'], loss.num_classes, title=title
            )
            loss.set_centroids(statistics.log_centroids())

    def _start(self, runner: Runner, loss: CMILoss) -> None:
        # In train mode and augmented: with dropout, batch norm or augmentation a
        # training step's cross-entropy is another one than the teacher's.
        buffers = {b: b.clone() for b in runner.model.buffers()}
        with random_numbers_kept():
            start = measure(
                runner.model,
                runner.train_dataloader,
                loss.num_classes,
                train_mode=True,
                title='what training steps start from',
            )
        for buffer, value in buffers.items():
            buffer.copy_(value)
        figures = summary(start)
        if loss.form == 'fixed':
            figures['surrogate'] = start.surrogate(loss.log_centroids)
        runner.message_hub.update_info('mcmi_start', figures)
        if loss.controller is not None:
            loss.controller.start(-start.log_likelihood(), len(runner.train_dataloader))

    def after_train(self, runner: Runner) -> None:
        num_classes = find_cmi_loss(runner.model).num_classes
        after = measured(runner.model, self.loaders, num_classes, 'after the fine-tune')
        runner.message_hub.update_info('mcmi_after', after)


class _WrongClassScores(nn.Module):
    """The same classifier, the softmax of whose logits is ``P_x`` without the label.

    So that one pass of :func:`mcmi_plugin.evaluation.measure.measure` takes the
    centroids of the wrong classes.

    Args:
        model: an mmengine classifier, wrapped for several processes or not.
    """

    def __init__(self, model: BaseModel) -> None:
        super().__init__()
        self.model: BaseModel = get_ori_model(model)
        self.data_preprocessor = self.model.data_preprocessor
        self.training = model.training

    def forward(self, inputs: Tensor, data_samples: list, mode: str) -> Tensor:
        """[B, C] logits, the label's a large negative number."""
        logits = self.model(inputs, data_samples, mode=mode)
        return without_label(logits, hard_labels(data_samples).to(logits.device))
