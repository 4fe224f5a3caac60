"""Networks given by ``cfg_path``, and teachers by an argument ``pretrained``."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS

from mcmi_plugin.checks.teacher import check_teacher
from mcmi_plugin.distill import compose
from mcmi_plugin.distill.layers import build_sides
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config, settle_teacher_source
from mcmi_plugin.networks import standing_alone
from mcmi_plugin.teacher.model import model_name, num_classes_of, teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import published_config

NETWORK = """
_base_ = 'mmpretrain::_base_/models/resnet18_cifar.py'
model = dict(backbone=dict(stem_channels=4, base_channels=4),
    head=dict(num_classes=11, in_channels=32))
data_preprocessor = dict(mean=[1.0] * 3, std=[2.0] * 3)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.5))
"""
PURE = """
from mmpretrain.models import (GlobalAveragePooling, ImageClassifier, LinearClsHead,
    ResNet_CIFAR)

model = dict(type=ImageClassifier,
    backbone=dict(type=ResNet_CIFAR, depth=18, stem_channels=4, base_channels=4),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=11, in_channels=32))
data_preprocessor = dict(mean=[1.0] * 3, std=[2.0] * 3)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.5))
"""
OURS = 'mcmi_plugin::_base_/models/cifar/resnet20.py'


def model_of(**sides) -> ConfigDict:
    recorder = dict(fc=dict(type='ModuleOutputs', source='head.fc'))
    return ConfigDict(
        _scope_='mmrazor',
        type='SingleTeacherDistill',
        distiller=dict(
            type='ConfigurableDistiller',
            student_recorders=recorder,
            teacher_recorders=recorder,
        ),
        **sides,
    )


@pytest.fixture(params=[NETWORK, PURE], ids=['inherited', 'pure Python'])
def own(request, tmp_path: Path) -> str:
    path = tmp_path / 'net_of_mine.py'
    path.write_text(request.param)
    return str(path)


def test_a_file_of_ones_own_on_both_sides(own: str) -> None:
    part = dict(cfg_path=own, pretrained=False)
    model = model_of(architecture=part, teacher=dict(part))
    built = MODELS.build(model)
    for network in (built.architecture, built.teacher):
        assert network.head.num_classes == 11
        assert network.data_preprocessor.mean.flatten().tolist() == [1, 1, 1]

    # The teacher alone, by the optimizer of its own config.
    cfg = Config(dict(model=model, default_scope='mmpretrain'))
    teacher = teacher_model(cfg)
    assert teacher._scope_ == 'mmpretrain' and num_classes_of(teacher) == 11
    assert teacher.data_preprocessor.mean == [1.0] * 3  # the student's
    assert model_name(cfg) == 'net_of_mine'
    own_config = published_config(cfg, TeacherOptions(lmda=0.1))
    assert own_config.optim_wrapper.optimizer.lr == 0.5
    state = MODELS.build(teacher).state_dict()
    assert state.keys() == built.teacher.state_dict().keys()
    # What list_layers.py and export.py build.
    assert build_sides(Config(dict(model=model)))['teacher'].head.num_classes == 11


def test_a_config_of_this_project() -> None:
    part = dict(cfg_path=OURS)
    model = model_of(architecture=part, teacher=dict(part))
    assert MODELS.build(model).teacher.head.num_classes == 100
    cfg = Config(dict(model=model))
    assert MODELS.build(teacher_model(cfg)).head.num_classes == 100


def test_an_ordinary_cfg_path_is_built_by_mmengine() -> None:
    part = dict(cfg_path='mmpretrain::_base_/models/resnet18_cifar.py')
    assert MODELS.build(model_of(architecture=part, teacher=dict(part)))


def test_a_file_that_is_not_there(own: str) -> None:
    missing = own.replace('net_of_mine', 'net_of_mnie')
    with pytest.raises(UserError, match=r'^cfg_path: .*mnie.py; did .*net_of_mine.py'):
        MODELS.build(model_of(architecture=dict(cfg_path=missing), teacher={}))


@pytest.mark.parametrize(
    'name', ['not_there.py', 'broken.py', 'mmpretrain::not_there.py']
)
def test_one_line_wherever_a_config_is_named(tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    Path('broken.py').write_text('model = dict(')
    options = TeacherOptions(lmda=0.1, teacher_config=name)
    pair = dict(student=name, teacher=name)
    method = dict(name='kd', losses={}, inputs={})
    readers = {
        'cfg_path': lambda: standing_alone(ConfigDict(cfg_path=name), ConfigDict()),
        'mcmi.teacher_config': lambda: published_config(Config(), options),
        'pair.student': lambda: compose(pair, method),
    }
    for key, read_it in readers.items():
        with pytest.raises(UserError, match=f'^{key}: .*{name}') as refused:
            read_it()
        assert '\n' not in str(refused.value)


@pytest.mark.parametrize(
    'name', ['own', OURS, 'mmpretrain::_base_/models/resnet18_cifar.py']
)
def test_weights_that_nobody_has_published(own: str, name: str) -> None:
    name = own if name == 'own' else name
    cfg = Config(dict(model=dict(teacher=dict(cfg_path=name, pretrained=True))))
    with pytest.raises(UserError, match=r'no published weights; .*teacher_ckpt=PATH'):
        settle_teacher_source(cfg)


CLASSIFIER = """
data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor')
head = dict(type='LinearClsHead', num_classes=10, in_channels=32)
backbone = dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4)
teacher = dict(type={kind!r}, _scope_='mmpretrain', backbone=backbone,
    neck=dict(type='GlobalAveragePooling'), head=head, pretrained={pretrained!r})
model = dict(_scope_='mmrazor', type='SingleTeacherDistill',
    architecture=dict(teacher, type='ImageClassifier', pretrained=None),
    teacher=teacher, teacher_ckpt={ckpt!r},
    distiller=dict(type='ConfigurableDistiller'))
default_scope = 'mmpretrain'
"""


def read(folder: Path, kind='ImageClassifier', pretrained=None, ckpt=None) -> Config:
    path = folder / 'mine.py'
    text = CLASSIFIER.format(kind=kind, pretrained=pretrained, ckpt=ckpt)
    path.write_text(text)
    return job_config(str(path), {}, str(folder))


def test_a_classifiers_own_pretrained_is_loaded_strictly(tmp_path: Path) -> None:
    cfg = read(tmp_path, pretrained=None)
    saved = MODELS.build(teacher_model(cfg))
    saved.init_weights()
    path = str(tmp_path / 'teacher.pth')
    torch.save(saved.state_dict(), path)

    cfg = read(tmp_path, pretrained=path)
    check_teacher(cfg)  # which has one
    assert cfg.model.teacher_ckpt == path
    teacher = MODELS.build(cfg.model).teacher
    for name, value in saved.state_dict().items():
        assert torch.equal(teacher.state_dict()[name], value)

    torch.save({'foreign': torch.zeros(1)}, path)
    with pytest.raises(UserError, match='does not fit the model'):
        MODELS.build(read(tmp_path, pretrained=path).model)
    # What MMRazor loads last, counts.
    assert read(tmp_path, pretrained=path, ckpt='b.pth').model.teacher_ckpt == 'b.pth'


def test_another_class_keeps_its_own_argument(tmp_path: Path) -> None:
    cfg = read(tmp_path, 'mcmi_plugin.models.AuxiliaryImageClassifier', 'a.pth')
    assert cfg.model.teacher.pretrained == 'a.pth'
    assert not cfg.model.teacher_ckpt
    check_teacher(cfg)  # it says itself where its weights are
    # TimmClassifier's, of which the weights need not be fetched to be overwritten.
    cfg = read(tmp_path, 'TimmClassifier', True, 'b.pth')
    assert 'pretrained' not in cfg.model.teacher
    assert read(tmp_path, 'TimmClassifier', True).model.teacher.pretrained is True
