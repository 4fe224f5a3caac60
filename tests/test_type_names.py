"""Classes in a config become names that mean those very classes."""

import functools
from pathlib import Path

import mmpretrain.utils
import mmrazor.utils
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, METRICS, MODELS, Registry
from mmpretrain.evaluation import Accuracy
from mmpretrain.models import ResNet_CIFAR
from mmrazor.models import KLDivergence
from torch import nn

from mcmi_plugin.commands import train
from mcmi_plugin.config_file import read_config
from mcmi_plugin.datasets import Digits
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config
from mcmi_plugin.type_names import _registries, name_types, registered_name

DATA = """
from mmengine.dataset import DefaultSampler
from mmpretrain.datasets import PackInputs
from mmpretrain.evaluation import Accuracy
from mcmi_plugin.datasets import Digits

def loader(split, shuffle):
    return dict(batch_size=64, num_workers=0,
        dataset=dict(type=Digits, split=split, pipeline=[dict(type=PackInputs)]),
        sampler=dict(type=DefaultSampler, shuffle=shuffle))

train_dataloader = loader('train', True)
val_dataloader = test_dataloader = loader('test', False)
val_evaluator = test_evaluator = dict(type=Accuracy, topk=(1,))
"""
LAZY = """
from mmengine.config import read_base
with read_base():
    from .data import *
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmpretrain.models import (ClsDataPreprocessor, GlobalAveragePooling,
    ImageClassifier, LinearClsHead, ResNet_CIFAR)
from mmpretrain.models.losses import CrossEntropyLoss
from mmrazor.engine import SingleTeacherDistillValLoop
from mmrazor.models import ConfigurableDistiller, KLDivergence, SingleTeacherDistill
from torch.optim import SGD

default_scope = 'mmpretrain'
network = dict(type=ImageClassifier,
    backbone=dict(type=ResNet_CIFAR, depth=18, stem_channels=2, base_channels=2),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=16,
        loss=dict(type=CrossEntropyLoss)))
model = dict(type=SingleTeacherDistill, _scope_='mmrazor', architecture=network,
    teacher=network,
    data_preprocessor=dict(type=ClsDataPreprocessor, mean=[77.85] * 3, std=[95.89] * 3),
    distiller=dict(type=ConfigurableDistiller,
        student_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
        teacher_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
        distill_losses=dict(loss_kd=dict(type=KLDivergence, tau=4)),
        loss_forward_mappings=dict(loss_kd=dict(
            preds_S=dict(from_student=True, recorder='fc'),
            preds_T=dict(from_student=False, recorder='fc')))))
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.05))
train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=1)
val_cfg = dict(type=SingleTeacherDistillValLoop)
test_cfg = dict()
mcmi = dict(lmda=0.1, epochs=1, mll_epochs=1)
"""


@pytest.fixture
def lazy(tmp_path: Path) -> str:
    (tmp_path / 'data.py').write_text(DATA)
    (tmp_path / 'lazy.py').write_text(LAZY)
    return str(tmp_path / 'lazy.py')


def types_in(part) -> list:
    if isinstance(part, dict):
        own = [part['type']] if 'type' in part else []
        return own + [t for value in part.values() for t in types_in(value)]
    if isinstance(part, (list, tuple)):
        return [t for value in part for t in types_in(value)]
    return []


def test_every_registered_class_is_found_by_its_name_from_every_scope() -> None:
    mmpretrain.utils.register_all_modules(False)
    mmrazor.utils.register_all_modules(False)
    for registry in _registries():
        family = [registry.root, *registry.root.children.values()]
        for thing in list(registry.module_dict.values()):
            if thing.__module__.startswith('test'):  # another test's
                continue
            name = registered_name(thing)
            assert all(place.get(name) is thing for place in family), (thing, name)


@pytest.mark.parametrize(
    ('thing', 'name'),
    [
        (Digits, 'Digits'),  # of the root: found from every scope
        (ResNet_CIFAR, 'mmpretrain.ResNet_CIFAR'),
        (KLDivergence, 'mmrazor.KLDivergence'),
        (torch.optim.SGD, 'SGD'),
        (nn.Bilinear, 'torch.nn.modules.linear.Bilinear'),  # of no registry
        (torch.nn.functional.relu, 'torch.nn.functional.relu'),
    ],
)
def test_names(thing, name) -> None:
    cfg = Config(dict(model=dict(layers=[dict(type=thing, a=1)])))
    name_types(cfg)
    assert cfg.model.layers[0].to_dict() == dict(type=name, a=1)
    if name.startswith('torch.'):
        assert MODELS.get(name) is thing


def test_a_class_whose_name_another_one_has_taken() -> None:
    """As ``register_module(force=True)`` leaves it: the first is of no registry."""
    kept = METRICS.children['mmpretrain'].module_dict['Accuracy']
    try:
        METRICS.children['mmpretrain'].module_dict['Accuracy'] = Registry
        cfg = Config(dict(val_evaluator=dict(type=Accuracy)))
        name_types(cfg)
        assert METRICS.get(cfg.val_evaluator.type) is Accuracy
    finally:
        METRICS.children['mmpretrain'].module_dict['Accuracy'] = kept


def test_a_partial_becomes_its_function_and_arguments() -> None:
    partial = functools.partial(Digits, split='train', pipeline=[])
    cfg = Config(dict(dataset=dict(type=partial, split='test')))
    name_types(cfg)
    assert cfg.dataset.to_dict() == dict(type='Digits', split='test', pipeline=[])
    assert DATASETS.build(cfg.dataset).split == 'test'


def test_what_has_no_name_is_refused() -> None:
    for thing in (lambda: None, functools.partial(nn.Linear, 3)):
        cfg = Config(dict(model=dict(layers=[dict(type=thing)])))
        with pytest.raises(UserError, match=r'^model.layers.0.type: .* cannot be impo'):
            name_types(cfg)


def test_a_pure_python_config_reads_as_one_of_names(lazy: str, tmp_path: Path) -> None:
    options = {
        'optim_wrapper.optimizer.lr': 0.1,
        'model.teacher.backbone.type': 'mmpretrain.ResNet',
        'train_dataloader.dataset.pipeline.0.type': 'mmpretrain.PackMultiTaskInputs',
        'fast': True,
    }
    cfg = job_config(lazy, options, str(tmp_path))

    assert all(isinstance(t, str) for t in types_in(cfg.to_dict()))
    assert cfg.optim_wrapper.to_dict() == dict(
        type='OptimWrapper',
        optimizer=dict(type='SGD', lr=0.1),
        constructor='TrainableOptimWrapperConstructor',
    )
    assert cfg.model.type == 'LeanDistill'  # `fast` looks at the names
    assert cfg.model.teacher.backbone.type == 'mmpretrain.ResNet'
    assert cfg.model.architecture.backbone.type == 'mmpretrain.ResNet_CIFAR'
    assert cfg.train_dataloader.dataset.type == 'Digits'  # inherited
    assert 'OptimWrapper' not in cfg and 'loader' not in cfg  # imported, defined
    cfg.dump(tmp_path / 'dumped.py')
    assert read_config(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()


def test_a_pure_python_config_trains(lazy: str, tmp_path: Path) -> None:
    runner = train(job_config(lazy, {}, str(tmp_path / 'run')))
    assert runner.epoch == 1
    (teacher,) = tmp_path.glob('mcmi_teachers/resnet_cifar18-mcmi-*/teacher.pth')
    assert teacher.is_file()


def test_an_import_that_is_not_there_is_one_line(lazy: str) -> None:
    path = Path(lazy)
    path.write_text(LAZY.replace('AmpOptimWrapper', 'NotThere'))  # and not used
    assert job_config(lazy, {}).optim_wrapper.type == 'OptimWrapper'
    path.write_text(LAZY.replace('OptimWrapper', 'OptimWraper'))
    with pytest.raises(UserError, match=r'Failed to import OptimWraper from .*lazy.py'):
        job_config(lazy, {})


def test_a_class_that_an_ordinary_config_imports(tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text(
        '_base_ = []\n'
        'from torch.optim import SGD\n'
        'model = dict(optimizer=dict(type=SGD, lr=0.1))\n'
    )
    cfg = read_config(path)
    assert cfg.to_dict() == dict(model=dict(optimizer=dict(type='SGD', lr=0.1)))
    cfg.dump(tmp_path / 'dumped.py')
    assert read_config(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()
