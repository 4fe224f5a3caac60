"""A classifier of timm's or Hugging Face's network loads all that it has saved."""

import pytest
import torch
from mmpretrain.models import HuggingFaceClassifier, TimmClassifier
from torch import nn


@pytest.mark.parametrize('classifier', [TimmClassifier, HuggingFaceClassifier])
@pytest.mark.parametrize('prefix', ['', 'teacher.'])
def test_the_network_and_its_loss(classifier, prefix):
    def build():
        whole = nn.Module()
        whole.model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        whole.loss_module = nn.Module()
        whole.loss_module.register_buffer('log_centroids', torch.rand(3))
        # As their __init__ does, without the other library.
        whole._register_state_dict_hook(classifier._remove_state_dict_prefix)
        whole._register_load_state_dict_pre_hook(classifier._add_state_dict_prefix)
        outer = nn.ModuleDict({'teacher': whole, 'architecture': nn.Linear(1, 1)})
        return outer if prefix else whole

    saved = build().state_dict()
    if not prefix:
        assert '0.weight' in saved  # the library's own name
    other = build()
    other.load_state_dict(saved)
    loaded = other.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(value.equal(loaded[name]) for name, value in saved.items())
