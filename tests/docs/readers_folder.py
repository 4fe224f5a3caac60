"""The folder that a reader of the pages is in: a checkout, with data and a teacher."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import torch
from cifar_files import write_cifar10, write_cifar100
from conftest import PROJECT
from github_networks import Network
from golden_runners_zoo import KEYS
from imagenet_folder import write_folder
from mmengine.config import Config
from mmengine.registry import MODELS
from torchvision_networks import random_network

_DISTILLATION = """
_base_ = ['configs/_base_/image_folder.py', 'configs/_base_/methods/kd.py']
from mcmi_plugin.distill import compose
model = compose(
    dict(teacher='mmpretrain::_base_/models/resnet34.py', teacher_ckpt='mine.pth',
         student='mmpretrain::_base_/models/resnet18.py', num_classes=4),
    _base_.method)
"""
_MINE = """
_base_ = ['my_distillation_config.py', 'mcmi_plugin::_base_/mcmi_teacher.py']
mcmi = dict(lmda=0.1, epochs=10)
"""
_TEACHERS = ('resnet56', 'vgg13', 'wrn_40_2', 'resnet32x4')


def lay_out(folder: Path, quickstart: SimpleNamespace) -> None:
    """Write what the pages expect to be there; all weights and pixels are random."""
    ours = 'configs', 'tools', 'mcmi_plugin', 'mcmi_study', 'benchmarks', 'tests'
    for name in ours:
        (folder / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / 'docs', folder / 'docs')
    for name in ('imagenet', 'my_images'):
        write_folder(folder / 'data' / name)
    write_cifar10(folder / 'data/cifar10')
    write_cifar100(folder / 'data/cifar100', num_train=100)
    (folder / 'my_distillation_config.py').write_text(_DISTILLATION)
    (folder / 'mine.py').write_text(_MINE)
    shutil.copytree(quickstart.work_dir, folder / 'work_dirs/quickstart_digits')
    shutil.copytree(quickstart.teachers, folder / 'work_dirs/mcmi_teachers')
    write_teachers(folder)


def write_teachers(folder: Path) -> None:
    for name, network in (('my_teacher', 'resnet34'), ('mobilenet_v2', 'mobilenet_v2')):
        state = random_network(network, num_classes=4).state_dict()
        torch.save(state, folder / f'{name}.pth')
    state = random_network('resnet18', num_classes=1000).state_dict()
    torch.save(state, folder / 'resnet18.pth')
    repdistillers = {key: torch.rand(shape) for key, shape in KEYS['resnet56'].items()}
    torch.save({'model': repdistillers}, folder / 'resnet56_vanilla.pth')
    akamasters = Network('akamaster', [3, 3, 3]).state_dict()
    akamasters = {f'module.{key}': value for key, value in akamasters.items()}
    torch.save({'state_dict': akamasters}, folder / 'resnet20-12fca82f.th')
    cifar = PROJECT / 'configs/_base_/models/cifar'
    (folder / 'checkpoints/cifar100').mkdir(parents=True)
    for name in _TEACHERS:
        model = MODELS.build(Config.fromfile(cifar / f'{name}.py').model)
        torch.save(model.state_dict(), folder / f'checkpoints/cifar100/{name}.pth')
    stock = Config.fromfile(cifar / 'resnet56.py')
    stock.merge_from_dict(RESNET50_CIFAR10)
    torch.save(MODELS.build(stock.model).state_dict(), folder / 'my_resnet50.pth')


RESNET50_CIFAR10 = {
    'model': dict(
        _delete_=True,
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(type='ResNet_CIFAR', depth=50),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=2048),
    )
}


def copy(folder: Path, to: Path) -> None:
    """A copy for one block, so that no block depends on what another one does."""

    def link_or_copy(source: str, target: str) -> None:
        # Commands write a checkpoint whole and rename it: they do not write into it.
        (os.link if source.endswith('.pth') else shutil.copy2)(source, target)

    shutil.copytree(
        folder, to, symlinks=True, copy_function=link_or_copy, dirs_exist_ok=True
    )
