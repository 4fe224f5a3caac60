"""The training labels for CRD's memory banks."""

from typing import Any

import numpy as np
import torch
from mmengine.dataset import RepeatDataset
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmpretrain.utils import get_ori_model

from mcmi_plugin.errors import UserError
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss


@HOOKS.register_module()
class CRDBankHook(Hook):
    """Size the banks of every ``CRDContrastLoss`` for the training set.

    It comes before the checkpoint of a resumed run is read into the banks, and
    before a hook that copies the model.
    """

    priority = 'HIGH'

    def before_run(self, runner: Runner) -> None:
        """Hand the labels to the losses.

        Raises:
            UserError: no such loss, or a training set without one class id and one
                ``sample_idx`` per sample.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return  # validation or test alone: the training set is never built
        model = get_ori_model(runner.model)
        losses = [m for m in model.modules() if isinstance(m, CRDContrastLoss)]
        if not losses:
            raise UserError(
                'custom_hooks: CRDBankHook finds no CRDContrastLoss in '
                'model.distiller.distill_losses; drop the hook or add the loss'
            )
        labels = _training_labels(runner.train_dataloader.dataset)
        for loss in losses:
            loss.prepare(labels)


def _training_labels(dataset: Any) -> torch.Tensor:
    """[N] int64 class ids in the order of ``sample_idx``."""
    while isinstance(dataset, RepeatDataset):
        dataset = dataset.dataset  # sample_idx counts in the data set repeated
    if not hasattr(dataset, 'get_gt_labels'):
        raise UserError(
            f'train_dataloader.dataset: CRD needs get_gt_labels of mmpretrain data '
            f'sets, which {type(dataset).__name__} lacks; use one data set, not '
            'several joined'
        )
    labels = np.asarray(dataset.get_gt_labels())
    if labels.ndim != 1 or labels.dtype.kind not in 'iu':
        raise UserError(
            'train_dataloader.dataset: CRD needs one integer gt_label per sample; '
            f'got an array of {labels.dtype} {list(labels.shape)}'
        )
    if (labels < 0).any():
        raise UserError(
            'train_dataloader.dataset: CRD needs the class of every sample before the '
            'first step, by which it draws negatives, and PseudoLabelled hides some '
            'till then; take another method, or all labels'
        )
    return torch.from_numpy(labels.astype(np.int64))
