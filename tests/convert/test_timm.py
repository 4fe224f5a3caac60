"""Timm's networks, with and without timm."""

import sys

import pytest
import torch
from mmengine.registry import MODELS
from torchvision_networks import random_network

from mcmi_plugin.convert.convert import convert


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
