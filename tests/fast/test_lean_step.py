"""The step of LeanEpochLoop against mmengine's and mmpretrain's own."""

import copy

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.structures import DataSample
from torch import nn
from torch._subclasses import FakeTensorMode

from mcmi_plugin.fast.lean_step import (
    _preprocess,
    lean_step,
    takes_lean_step,
    total_loss,
)


class Plain(BaseModel):
    """One weight; its losses are what they are told to be."""

    def __init__(self, losses) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.losses = losses

    def forward(self, inputs=None, data_samples=None, mode='loss'):
        return self.losses(self.weight)


LOSSES = dict(
    one=lambda w: dict(loss=w * w),
    several=lambda w: dict(loss_b=3 * w, accuracy=w.detach(), a_loss=w * w),
    vectors=lambda w: dict(loss_a=w * torch.arange(3.0), accuracy=torch.ones(1)),
    lists=lambda w: dict(loss_a=[w * w, w * torch.arange(2.0)], loss_b=w),
)


@pytest.mark.parametrize('name', LOSSES)
def test_total_of_losses_equals_mmengines(name: str) -> None:
    model = Plain(LOSSES[name])
    loss, names = model.parse_losses(model())
    ours, our_names = total_loss(model, model())
    assert ours == loss and list(our_names) == list(names)
    assert all(our_names[key] == value for key, value in names.items())
    assert torch.autograd.grad(ours, model.weight) == torch.autograd.grad(
        loss, model.weight
    )


def test_what_a_step_returns_holds_no_graph() -> None:
    model = Plain(LOSSES['several'])
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    outputs = lean_step(model, dict(inputs=torch.zeros(1)), optim_wrapper)
    assert model.weight.item() == pytest.approx(1 - 0.1 * 5)
    assert model.weight.grad is None
    assert not any(value.requires_grad for value in outputs.values())


class OwnStep(Plain):
    def train_step(self, data, optim_wrapper):
        return dict(loss=torch.zeros(()))


def test_who_takes_the_lean_step(monkeypatch) -> None:
    model, own = Plain(LOSSES['one']), OwnStep(LOSSES['one'])
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    assert takes_lean_step(model, OptimWrapper(sgd))
    assert not takes_lean_step(own, OptimWrapper(sgd))
    assert not takes_lean_step(model, OptimWrapper(sgd, accumulative_counts=2))
    assert not takes_lean_step(nn.Sequential(model), OptimWrapper(sgd))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    amp = AmpOptimWrapper(optimizer=sgd, dtype='bfloat16')
    assert takes_lean_step(model, amp)


@pytest.mark.parametrize('options', [{}, dict(to_onehot=True, num_classes=5)])
def test_preprocessing_equals_mmpretrains(options: dict) -> None:
    preprocessor = ClsDataPreprocessor(mean=[1.0], std=[2.0], **options)
    batch = dict(
        inputs=torch.arange(8, dtype=torch.uint8).view(1, 2, 2, 2),
        data_samples=[DataSample().set_gt_label(3)],
    )
    ours = _preprocess(preprocessor, copy.deepcopy(batch))
    expected = preprocessor(copy.deepcopy(batch), True)
    assert torch.equal(ours['inputs'], expected['inputs'])
    (sample,), (other,) = ours['data_samples'], expected['data_samples']
    assert sample.keys() == other.keys()
    assert all(torch.equal(value, sample.get(key)) for key, value in other.items())


def test_what_else_a_batch_holds_reaches_the_model() -> None:
    preprocessor = Plain(LOSSES['one']).data_preprocessor
    sample = DataSample().set_gt_label(3)
    batch = dict(inputs=torch.ones(1), data_samples=[sample], weight=torch.ones(1))
    assert _preprocess(preprocessor, batch).keys() == batch.keys()


def test_labels_on_a_gpu_are_left_as_they_are_too() -> None:
    """A model that was moved to 'cuda' says that; the labels are on 'cuda:0'."""
    preprocessor = ClsDataPreprocessor()
    preprocessor._device = torch.device('cuda')
    with FakeTensorMode():
        images = torch.zeros(2, 3, 4, 4, device='cuda')
        labels = torch.zeros(2, dtype=torch.int64, device='cuda')
        sample = DataSample()
        sample.set_field(labels, 'gt_label')
        batch = dict(inputs=images, data_samples=[sample])
        found = _preprocess(preprocessor, batch)['data_samples'][0]
    assert found.gt_label is labels
