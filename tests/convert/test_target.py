"""The model that is meant by a config: its classifier, or its teacher."""

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ImageClassifier

from mcmi_plugin.convert.target import build_target
from mcmi_plugin.errors import UserError


def config(text: str, tmp_path) -> Config:
    path = tmp_path / 'config.py'
    path.write_text(text)
    return Config.fromfile(path)


def test_classifier(project):
    cfg = Config.fromfile(project / 'configs/_base_/models/cifar/resnet8x4.py')
    model, key = build_target(cfg)
    assert isinstance(model, ImageClassifier)
    assert not model.training
    assert key == 'model'
    assert model.head.fc.weight.shape == (100, 256)


def test_teacher_of_a_distillation(project):
    cfg = Config.fromfile(project / 'configs/mcmi/r34_r18_imagenet.py')
    model, key = build_target(cfg)
    assert key == 'model.teacher'
    assert len(model.backbone.layer3) == 6  # of ResNet-34; the student has two


def test_teacher_of_a_stock_config(tmp_path):
    cfg = config(
        "_base_ = ['mmrazor::distill/mmcls/kd/kd_logits_resnet34_resnet18_8xb32_in1k.py"
        "']\n",
        tmp_path,
    )
    model, _ = build_target(cfg)
    assert len(model.backbone.layer3) == 6


def test_no_weights_are_read_or_downloaded(tmp_path, monkeypatch):
    def download(*args, **kwargs):
        raise AssertionError('a download was tried')

    monkeypatch.setattr(torch.hub, 'load_state_dict_from_url', download)
    cfg = config(
        "_base_ = ['mmpretrain::resnet/resnet18_8xb32_in1k.py']\n"
        "model = dict(init_cfg=dict(type='Pretrained', checkpoint='https://nowhere'),\n"
        "    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='missing')))\n",
        tmp_path,
    )
    model, _ = build_target(cfg)
    assert len(model.backbone.layer4) == 2


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('optimizer = 1', r'config\.py: model has no backbone'),
        (
            "model = dict(type='SelfDistill', architecture={})",
            r'config\.py: model has no backbone',
        ),
        (
            "model = dict(type='ImageClassifier', backbone=dict(type='ResNot'))",
            r"model\.backbone\.type: there is no model 'ResNot'; closest: ResNet",
        ),
        (
            "model = dict(type='ImageClassifier',\n"
            "    backbone=dict(type='ResNet', depth=18, num_stages=9))",
            r'model\.backbone: ResNet refuses its values \(AssertionError\)',
        ),
    ],
)
def test_no_classifier(tmp_path, text, words):
    with pytest.raises(UserError, match=words) as error:
        build_target(config(text, tmp_path))
    assert '\n' not in str(error.value)
