"""An MCMI step against the same step with plain cross-entropy.

Network, data, optimizer and the way through mmpretrain are the same; the loss of the
head is ``CMILoss`` with centroids, and with the running statistics that
``CMIMonitorHook`` asks of every step, or else mmpretrain's cross-entropy.
"""

import copy
from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS

from benchmarks.harness import (
    Contest,
    require_close,
    require_same_training,
    weights_of,
)
from benchmarks.images import random_images, whole_batch
from benchmarks.networks import BareNetwork, build, cifar_classifier
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.losses.cmi_loss import CMILoss


def contests(teacher: str = 'resnet56', batch_size: int = 64) -> Iterator[Contest]:
    """A teacher of the CIFAR zoo, fine-tuned."""
    batch = whole_batch(*random_images(batch_size))
    batch['inputs'] = batch['inputs'] / 255
    plain: BaseModel = build(cifar_classifier(teacher))
    mcmi = copy.deepcopy(plain)
    mcmi.head.loss_module = _cmi_loss(lmda=0.15)
    ours, baseline = stepper(mcmi, batch), stepper(plain, batch)

    def check() -> None:
        same = copy.deepcopy(plain)
        same.head.loss_module = _cmi_loss(lmda=0)
        require_lambda_zero_is_plain(same, copy.deepcopy(plain), batch)
        require_formula(copy.deepcopy(mcmi), batch)
        ours(), baseline()

    yield Contest(
        'finetune',
        ours,
        baseline,
        check,
        ours_is=f'MCMI step of {teacher}, batch {batch_size}',
        baseline_is='the same with cross-entropy',
        rounds=25,
        unit='step',
    )


def stepper(model: BaseModel, batch: dict) -> partial:
    """A training step of a classifier, as the Runner takes it."""
    model.train()
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    return partial(model.train_step, batch, OptimWrapper(sgd))


def require_lambda_zero_is_plain(
    mcmi: BaseModel, plain: BaseModel, batch: dict
) -> None:
    """Two steps with lambda = 0 lead to the weights of plain cross-entropy."""
    start = weights_of(BareNetwork(plain))
    for model in (mcmi, plain):
        step = stepper(model, batch)
        step(), step()
    require_same_training(BareNetwork(mcmi), BareNetwork(plain), start, 1e-3)


def require_formula(mcmi: BaseModel, batch: dict) -> None:
    """The loss is CE - lambda * KL, both as they are defined."""
    loss = mcmi.head.loss_module
    images, labels = batch['inputs'], batch['data_samples'][0].gt_label
    with torch.no_grad():
        logits = BareNetwork(mcmi).train()(images)
        log_p = logits.log_softmax(1)
        log_q = loss.log_centroids[labels]
        kl = F.kl_div(log_q, log_p, reduction='batchmean', log_target=True)
        expected = F.cross_entropy(logits, labels) - loss.lmda * kl
        found = loss(logits, labels)
    require_close('loss', found, expected, 1e-5)


def _cmi_loss(lmda: float) -> CMILoss:
    loss = MODELS.build(dict(type='CMILoss', lmda=lmda, num_classes=100))
    loss.set_centroids(torch.randn(100, 100).log_softmax(1))
    loss.statistics = ClassStatistics(100, track_tail=False)
    return loss
