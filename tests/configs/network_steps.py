"""Several methods composed as one, and a step of what was composed."""

import copy
import functools

import pytest
import torch
from combinations import BASE
from mmengine.config import Config
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample

from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

CLASSES = 7
PER_STAGE = ('at', 'vid', 'reviewkd')
OF_ANY = ('pkt', 'sp', 'cc', 'rkd', 'crd', 'dkd')
NUMBERS = dict(
    num_classes=CLASSES, teacher_ckpt=None, dkd_beta=2.0, reviewkd_weight=1.0
)


@functools.cache
def shipped(name: str) -> dict:
    return Config.fromfile(BASE / f'methods/{name}.py').method.to_dict()


def method_of(*names: str) -> dict:
    """The losses of several methods in one, so that one step is of all of them."""
    whole = dict(name='ALL', ce_weight=0.1, losses={}, inputs={}, connectors={})
    for name in names:
        method = renamed(shipped(name), name)
        for key in ('losses', 'inputs', 'connectors'):
            whole[key] |= method.get(key, {})
    return whole


def renamed(part, name: str):
    """A method with connectors of its own names, as CC's are called like CRD's."""
    if isinstance(part, dict):
        return {renamed(key, name): renamed(value, name) for key, value in part.items()}
    connectors = ('embed_student', 'embed_teacher')
    return f'{name}_{part}' if part in connectors else part


def one_step(model: dict, size: int = 64) -> dict[str, torch.Tensor]:
    """Losses of a step, after its gradient has reached the student."""
    torch.manual_seed(0)
    built = MODELS.build(Config(copy.deepcopy(model))._cfg_dict)
    built.train()
    for module in built.modules():
        if isinstance(module, CRDContrastLoss):
            module.prepare(torch.arange(4 * CLASSES) % CLASSES)
    samples = [DataSample(metainfo={'sample_idx': i}).set_gt_label(i) for i in range(3)]
    losses = built(torch.randn(3, 3, size, size), samples, mode='loss')
    total, _ = built.parse_losses(losses)
    total.backward()
    assert all(loss.isfinite().all() for loss in losses.values()), losses
    assert all(p.grad is None for p in built.teacher.parameters())
    assert any(p.grad is not None and p.grad.any() for p in built.student.parameters())
    return losses


def must_not_run(*args, **kwargs):
    pytest.fail('the network was run, though all is said')
