"""Folders and tables call a teacher's network by its own name."""

import pytest
from mmengine.config import Config

from mcmi_plugin.teacher.model import model_name


@pytest.mark.parametrize(
    ('teacher', 'name'),
    [
        (dict(backbone=dict(type='mmpretrain.ResNet', depth=34)), 'resnet34'),
        (dict(backbone=dict(type='CIFARVGG', depth=13)), 'cifarvgg13'),
        (dict(cfg_path='mmpretrain::resnet/resnet34_8xb32_in1k.py'), None),
        (
            dict(type='TimmClassifier', model_name='tf_efficientnet_lite0'),
            'tf_efficientnet_lite0',
        ),
        (
            dict(backbone=dict(type='TIMMBackbone', model_name='resnet18.a1_in1k')),
            'resnet18.a1_in1k',
        ),
        (
            dict(type='HuggingFaceClassifier', model_name='google/vit-base'),
            'google-vit-base',
        ),
    ],
)
def test_name(teacher, name):
    cfg = Config(dict(model=dict(teacher=teacher)))
    assert model_name(cfg) == (name or 'resnet34_8xb32_in1k')
