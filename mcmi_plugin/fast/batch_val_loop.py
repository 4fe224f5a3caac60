"""Validation in whole batches, without a Python object per image."""

import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import LOOPS
from mmengine.runner import ValLoop, autocast
from mmpretrain.utils import get_ori_model
from torch import Tensor

from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import hard_labels


@LOOPS.register_module()
class BatchValLoop(ValLoop):
    """A ``ValLoop`` of classifiers whose scores are the softmax of their logits.

    The numbers are those of ``ValLoop``. A metric whose ``takes_batches`` is true
    (:class:`.BatchAccuracy`, :class:`.CMIMetric`) gets one dict per batch,
    ``pred_score`` [B, C], ``pred_label`` [B] and ``gt_label`` [B]; any other gets
    one dict per image, as the stock evaluator would hand it. Hooks get the one dict
    per batch.

    ``val_cfg=dict(type='BatchValLoop')``, arguments as for ``ValLoop``.

    Raises:
        UserError: when run, a model without [B, C] logits, or images without one
            label each.
    """

    # ResidentRunner: a batch may come with one data sample for all its images.
    takes_batches = True

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        self.runner.call_hook('before_val_iter', batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self._predict(data_batch)
        self._process(data_batch, outputs)
        self.runner.call_hook(
            'after_val_iter', batch_idx=idx, data_batch=data_batch, outputs=[outputs]
        )

    def _process(self, data_batch: dict, outputs: dict[str, Tensor]) -> None:
        if type(self.evaluator).process is not Evaluator.process:  # of the user's own
            self.evaluator.process(_by_image(outputs), data_batch)
            return
        images = None
        for metric in self.evaluator.metrics:
            if getattr(metric, 'takes_batches', False):
                metric.process(data_batch, [outputs])
            else:
                images = images or _by_image(outputs)
                metric.process(data_batch, images)

    def _predict(self, data_batch: dict) -> dict[str, Tensor]:
        model = get_ori_model(self.runner.model)
        data_batch = sent(data_batch, model.data_preprocessor.device, join=False)
        data = model.data_preprocessor(data_batch, False)
        logits = model(data['inputs'], data['data_samples'], mode='tensor')
        labels = hard_labels(data['data_samples'])
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise UserError(
                f'val_cfg: {type(model).__name__} gives BatchValLoop no [B, C] logits '
                "in tensor mode; leave out val_cfg.type for mmengine's ValLoop"
            )
        if len(labels) != len(logits):
            raise UserError(
                'val_cfg: BatchValLoop needs one gt_label per image; leave out '
                "val_cfg.type for mmengine's ValLoop"
            )
        scores = logits.softmax(1)
        return dict(pred_score=scores, pred_label=scores.argmax(1), gt_label=labels)


def _by_image(outputs: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """As of a data sample each: ``pred_score`` [C] and labels [1]."""
    parts = (
        outputs['pred_score'].unbind(0),
        outputs['pred_label'].split(1),
        outputs['gt_label'].split(1),
    )
    return [
        dict(pred_score=score, pred_label=predicted, gt_label=label)
        for score, predicted, label in zip(*parts, strict=True)
    ]
