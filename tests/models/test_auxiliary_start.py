"""Auxiliary classifiers put on a network that is trained already."""

from pathlib import Path

import pytest
import torch
from golden_runners_zoo import CONFIGS, build
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from mcmi_plugin.errors import UserError


def auxiliary(name: str = 'wrn_16_1', **options) -> nn.Module:
    config = Config.fromfile(CONFIGS / f'{name}.py').model
    config.type = 'AuxiliaryImageClassifier'
    for key, value in options.items():
        config[key] = value
    return MODELS.build(config)


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, dict]:
    torch.manual_seed(3)
    state = build('wrn_16_1').state_dict()
    path = tmp_path / 'plain.pth'
    torch.save({'state_dict': state}, path)
    return path, state


def test_starts_from_the_plain_network(plain: tuple) -> None:
    path, state = plain
    model = auxiliary(auxiliary_only=True, pretrained=str(path))
    built = {k: v.clone() for k, v in model.state_dict().items()}
    model.init_weights()
    after = model.state_dict()
    for key, value in state.items():
        assert after[key].equal(value), key
    weight = 'auxiliary.0.extractor.0.0.conv1.weight'
    assert not after[weight].equal(built[weight])  # initialised, and then kept


def test_weights_of_auxiliary_classifiers_are_taken_too(tmp_path: Path) -> None:
    first = auxiliary()
    torch.save(first.state_dict(), tmp_path / 'whole.pth')
    model = auxiliary(pretrained=str(tmp_path / 'whole.pth'))
    model.init_weights()
    for key, value in model.state_dict().items():
        assert value.equal(first.state_dict()[key]), key


@pytest.mark.parametrize('key', ['backbone.layer1.0.conv1.weight', 'head.fc.bias'])
def test_anything_else_missing_is_refused(plain: tuple, key: str) -> None:
    path, state = plain
    del state[key]
    torch.save({'state_dict': state}, path)
    with pytest.raises(UserError, match=f'model.pretrained: .* 1 missing .{key}'):
        auxiliary(pretrained=str(path)).init_weights()


def test_foreign_weights_are_refused(plain: tuple) -> None:
    path, state = plain
    torch.save({'state_dict': state | {'backbone.more': torch.ones(1)}}, path)
    with pytest.raises(UserError, match='1 foreign .backbone.more'):
        auxiliary(pretrained=str(path)).init_weights()
    with pytest.raises(UserError, match='model.pretrained: there is no file'):
        auxiliary(pretrained='nowhere.pth').init_weights()


def test_mcmi_fine_tune_is_refused() -> None:
    loss = {'type': 'CMILoss', 'lmda': 0.1, 'num_classes': 100}
    head = Config.fromfile(CONFIGS / 'wrn_16_1.py').model.head
    head.loss = loss
    with pytest.raises(UserError, match='drop mcmi'):
        auxiliary(head=head)


def test_backbone_without_extractors_is_refused() -> None:
    backbone = {'type': 'ResNet', 'depth': 18}
    with pytest.raises(UserError, match='backbone.type=ResNet: '):
        auxiliary(backbone=backbone)
