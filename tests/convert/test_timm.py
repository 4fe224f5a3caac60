"""Timm's networks, with and without timm."""

import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torchvision_networks import random_network

from mcmi_plugin.convert.convert import convert
from mcmi_plugin.convert.target import build_target
from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.loading import load_weights


def classifier(backbone: dict, in_channels: int):
    model = dict(
        type='mmpretrain.ImageClassifier',
        backbone=backbone,
        neck=dict(type='mmpretrain.GlobalAveragePooling'),
        head=dict(
            type='mmpretrain.LinearClsHead', num_classes=10, in_channels=in_channels
        ),
    )
    return MODELS.build(model).eval()


def test_resnet_is_placed_without_timm(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    path = str(tmp_path / 'resnet18_a1-0123abcd.pth')
    torch.save(random_network('resnet18').state_dict(), path)
    model = classifier(dict(type='mmpretrain.ResNet', depth=18), 512)
    conversion = convert(path, model, 'timm')
    assert conversion.fault() is None
    assert conversion.not_compared == 'timm is not installed'


@pytest.mark.parametrize(
    ('name', 'file_name', 'backbone', 'in_channels', 'naming'),
    [
        (
            'regnety_002',
            'teacher.pth',
            dict(type='mmpretrain.TIMMBackbone', model_name='regnety_002'),
            368,
            'auto',
        ),
        (
            'efficientnet_b0',  # another name of the classifier
            'teacher.pth',
            dict(type='mmpretrain.TIMMBackbone', model_name='efficientnet_b0'),
            1280,
            'auto',
        ),
        (
            'resnet50d',  # of other names in mmpretrain
            'resnet50d_a1-0123abcd.pth',
            dict(type='mmpretrain.ResNetV1d', depth=50),
            2048,
            'timm',
        ),
    ],
)
def test_network(tmp_path, name, file_name, backbone, in_channels, naming):
    timm = pytest.importorskip('timm')
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=10).eval()
    path = str(tmp_path / file_name)
    torch.save(network.state_dict(), path)
    model = classifier(backbone, in_channels)
    conversion = convert(path, model, naming)
    assert conversion.fault() is None
    assert conversion.placement.num_placed == len(network.state_dict())
    assert conversion.compared_with == f'timm {timm.__version__} {name}'
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(model(images), network(images))


def timm_classifier(num_classes: int = 10):
    pytest.importorskip('timm')
    torch.manual_seed(1)
    model = dict(
        type='mmpretrain.TimmClassifier',
        model_name='tf_efficientnet_lite0',
        num_classes=num_classes,
        pretrained=True,  # is not downloaded
    )
    return build_target(Config(dict(model=model)))[0]


def test_network_of_timms_own(tmp_path):
    model, network = timm_classifier(), timm_classifier().model
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.rand_like(weight))
    path = str(tmp_path / 'teacher.pth')
    torch.save(
        {'state_dict': {f'model.{k}': v for k, v in network.state_dict().items()}}, path
    )
    conversion = convert(path, model)
    assert conversion.fault() is None and conversion.difference < 1e-6
    assert conversion.taken == 'state_dict, without model.'
    assert conversion.num_classes == 10
    # Not ImageNet's usual statistics; timm names them for pixels from 0 to 1.
    assert conversion.data_preprocessor == dict(
        mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True
    )
    load_weights(model, conversion.placement.state, path)  # as teacher_ckpt is
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images), network(images))
    conversion = convert(path, timm_classifier(2), classes='7,3')
    with torch.no_grad():
        assert conversion.difference < 1e-6
    rows = conversion.placement.state['classifier.weight']
    assert rows.equal(network.classifier.weight[[7, 3]])
    assert conversion.meta['source']['classes'] == [7, 3]
    with pytest.raises(UserError, match='3 of 10 classes, the model has 2; set num_cl'):
        convert(path, timm_classifier(2), classes='7,3,1')
