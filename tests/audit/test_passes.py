"""What a pass refuses, with a model that gives back its inputs."""

import pytest
import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.audit.passes import Sums, pass_over
from mcmi_plugin.errors import UserError


class Echo(BaseModel):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.weight * inputs


def loader(labels, shape=(3,)):
    """Batches of two; without names of classes."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for label in labels:
        sample = DataSample()
        if label is not None:
            sample.set_gt_label(label)
        inputs = torch.randn(shape, generator=generator)
        samples.append(dict(inputs=inputs, data_samples=sample))

    def collate(batch):
        return dict(
            inputs=torch.stack([one['inputs'] for one in batch]),
            data_samples=[one['data_samples'] for one in batch],
        )

    return DataLoader(samples, batch_size=2, collate_fn=collate)


def test_every_sample_counts_once_and_is_told():
    told = []
    sums = pass_over(loader([0, 1, 2, 2, 0]), Echo(), told.append)
    assert told == [2, 2, 1]
    assert sums.statistics.counts.tolist() == [2, 1, 2]
    assert sums.reliability.counts.sum() == 5


def test_no_gradients_are_kept():
    assert not pass_over(loader([0, 1]), Echo()).statistics.prob_sum.requires_grad


@pytest.mark.parametrize('wrong', [-1, 3])
def test_a_label_out_of_range_is_named(wrong):
    with pytest.raises(UserError, match=rf'label {wrong} is not in \[0, 3\)'):
        pass_over(loader([0, 1, 2, wrong]), Echo())


def test_data_without_hard_labels_are_refused():
    with pytest.raises(UserError, match='hard label'):
        pass_over(loader([0, 1, 2, None]), Echo())


def test_a_model_without_logits_is_refused():
    with pytest.raises(UserError, match='no \\[B, C\\] logits'):
        pass_over(loader([0, 1], shape=(3, 2, 2)), Echo())


def test_no_sample():
    with pytest.raises(UserError, match='has no sample'):
        pass_over(loader([]), Echo())


def test_sums_take_a_quarter_of_the_memory(monkeypatch):
    monkeypatch.setattr('mcmi_plugin.audit.passes.memory_of', lambda device: 4 * 800)
    assert len(Sums(10, torch.device('cpu')).curve.statistics) == 1  # of 800 bytes
    monkeypatch.setattr('mcmi_plugin.audit.passes.memory_of', lambda device: 48000)
    assert len(Sums(10, torch.device('cpu')).curve.statistics) == 15
