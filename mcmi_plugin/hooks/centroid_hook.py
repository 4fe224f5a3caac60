"""Centroids before a fine-tune, and what the teacher was before and after it."""

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.measure import class_names, measure, summary
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import safe_lambda
from mcmi_plugin.losses.cmi_loss import find_cmi_loss


@HOOKS.register_module()
class CentroidHook(Hook):
    """Give the model's ``CMILoss`` its centroids before the first step.

        They are taken in one pass over the training set (eq. 13) and stay fixed. A
        resumed run finds them in its checkpoint. The same pass, and another one at
        the end, tell accuracy, LL and CMI before and after; they are kept in the
        message hub under ``mcmi_before`` and ``mcmi_after``.

        Args:
            dataloader: config of a loader of the training set, unaugmented, whose
    XX ``'eval'``, or ``'train'``: centroids in train mode on the training
                loader itself, as in the authors' release.
    """

    # Before hooks that look at the loss or log, after the sampler's seed.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self, dataloader: dict, val_dataloader: dict | None = None, mode: str = 'eval'
    ) -> None:
        self.loaders = dict(train=dataloader)
        if val_dataloader is not None:
            self.loaders['val'] = val_dataloader
        self.mode = mode

    def before_train(self, runner: Runner) -> None:
        self.loaders = {
            split: runner.build_dataloader(loader)
            for split, loader in self.loaders.items()
        }
        loss = find_cmi_loss(runner.model)
        if loss.log_centroids.isfinite().all():
            return  # resumed
        before = self._measure(runner, 'before the fine-tune')
        runner.message_hub.update_info('mcmi_before', _figures(before))
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
            named = class_names(self.loaders['train'], missing)
            raise UserError(
                f'train_dataloader.dataset: no sample of class {named}, so it has no '
                'centroid; add samples, or set model.teacher.head.num_classes to the '
                'classes there are'
            )
        log_centroids = statistics.log_centroids()
        loss.set_centroids(log_centroids)
        bound = safe_lambda(log_centroids)
        runner.message_hub.update_info('mcmi_safe_lambda', bound)
        print_log(
            f'centroids of {loss.num_classes} classes taken; labels may begin to flip '
            f'near lambda {bound:.3g} (lambda is {loss.lmda:g})',
            logger='current',
        )

    def after_train(self, runner: Runner) -> None:
        after = self._measure(runner, 'after the fine-tune')
        runner.message_hub.update_info('mcmi_after', _figures(after))

    def _measure(self, runner: Runner, title: str) -> dict[str, ClassStatistics]:
        num_classes = find_cmi_loss(runner.model).num_classes
        return {
            split: measure(runner.model, loader, num_classes, title=f'{split}, {title}')
            for split, loader in self.loaders.items()
        }


def _figures(statistics: dict[str, ClassStatistics]) -> dict[str, dict]:
    return {split: summary(of_split) for split, of_split in statistics.items()}
