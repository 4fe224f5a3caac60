import sys
from importlib import import_module

import mmpretrain.models
import mmpretrain.structures
import pytest
from mmengine.config import Config
from mmengine.config import utils as config_utils
from mmengine.registry import MODELS, TRANSFORMS, DefaultScope

from mcmi_plugin.compat import mmcls_alias, mmcls_configs


def test_modules_of_mmcls_are_those_of_mmpretrain():
    # Not a second copy: that one would register every class again.
    for name in ('', '.models', '.models.heads.vision_transformer_head'):
        assert import_module(f'mmcls{name}') is import_module(f'mmpretrain{name}')
    assert not mmcls_alias.mmcls_is_installed()


def test_a_module_that_mmpretrain_lacks_is_missing_by_its_own_name():
    with pytest.raises(ModuleNotFoundError, match='mmcls.nowhere'):
        import_module('mmcls.nowhere')


def test_names_that_mmpretrain_gave_up():
    from mmcls.datasets.transforms.formatting import PackClsInputs
    from mmcls.structures import ClsDataSample

    assert ClsDataSample is mmpretrain.structures.DataSample
    for name in ('mmcls.PackClsInputs', 'mmpretrain.PackClsInputs'):
        assert TRANSFORMS.get(name) is PackClsInputs


def test_mmrazor_finds_its_base_classes():
    from mmrazor.models.architectures.heads import DeiTClsHead
    from mmrazor.models.task_modules.demo_inputs import default_demo_inputs

    assert issubclass(DeiTClsHead, mmpretrain.models.VisionTransformerClsHead)
    assert default_demo_inputs.ImageClassifier is mmpretrain.models.ImageClassifier


def test_types_and_scopes_of_mmcls_build_mmpretrain():
    assert MODELS.get('mmcls.ResNet_CIFAR') is mmpretrain.models.ResNet_CIFAR
    head = {'type': 'LinearClsHead', 'num_classes': 3, 'in_channels': 4}
    assert MODELS.build({**head, '_scope_': 'mmcls'}).fc.out_features == 3
    with DefaultScope.overwrite_default_scope('mmcls'):
        assert MODELS.build(head).fc.out_features == 3


def test_a_class_registered_later_is_found_in_both_scopes():
    registry = import_module('mmcls.registry').MODELS

    @registry.register_module()
    class RegisteredLater:
        pass

    try:
        for scope in ('mmcls', 'mmpretrain'):
            assert MODELS.get(f'{scope}.RegisteredLater') is RegisteredLater
    finally:
        del registry.module_dict['RegisteredLater']


@pytest.fixture
def no_alias(monkeypatch, tmp_path):
    """As before ``apply``, with ``tmp_path`` to install a package in."""
    for name in [name for name in sys.modules if name.partition('.')[0] == 'mmcls']:
        monkeypatch.delitem(sys.modules, name)
    finders = [
        finder
        for finder in sys.meta_path
        if not isinstance(finder, mmcls_alias._MMClsFinder)
    ]
    monkeypatch.setattr(sys, 'meta_path', finders)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / 'mmcls'


def test_a_real_mmcls_is_left_alone(no_alias, monkeypatch):
    no_alias.mkdir()
    (no_alias / '__init__.py').write_text('name = "the real one"\n')
    resolve = config_utils._get_package_and_cfg_path.__wrapped__
    monkeypatch.setattr(config_utils, '_get_package_and_cfg_path', resolve)
    finders = sys.meta_path.copy()

    mmcls_alias.alias_mmcls()
    mmcls_configs.translate_mmcls_paths()

    assert sys.meta_path == finders
    assert import_module('mmcls').name == 'the real one'
    assert config_utils._get_package_and_cfg_path is resolve


def test_a_folder_named_mmcls_is_no_package(no_alias):
    no_alias.mkdir()
    assert not mmcls_alias.mmcls_is_installed()
    mmcls_alias.alias_mmcls()
    assert import_module('mmcls.models') is mmpretrain.models


def test_bases_and_cfg_path_of_mmcls(tmp_path):
    file = tmp_path / 'config.py'
    file.write_text("_base_ = ['mmcls::resnet/resnet18_8xb32_in1k.py']\n")
    assert Config.fromfile(file).model.backbone.depth == 18
    model = mmrazor_model('mmcls::resnet/resnet18_8xb16_cifar10.py')
    assert isinstance(model, mmpretrain.models.ImageClassifier)


def mmrazor_model(cfg_path):
    from mmrazor.registry import MODELS as MMRAZOR_MODELS

    return MMRAZOR_MODELS.build({'cfg_path': cfg_path, 'pretrained': False})


OLD = [
    *(f'{name}_pt-4xb256_in1k' for name in ('deit-tiny', 'deit-tiny-distilled')),
    *(f'{name}_pt-4xb256_in1k' for name in ('deit-small', 'deit-small-distilled')),
    *(f'{name}_pt-16xb64_in1k' for name in ('deit-base', 'deit-base-distilled')),
    *(f'{n}_ft-16xb32_in1k-384px' for n in ('deit-base', 'deit-base-distilled')),
]


@pytest.mark.parametrize('old', OLD)
def test_renamed_configs(old, tmp_path):
    file = tmp_path / 'config.py'
    file.write_text(f"_base_ = ['mmcls::deit/{old}.py']\n")
    backbone = Config.fromfile(file).model.backbone
    assert backbone.arch in old
    assert backbone.img_size == (384 if '384px' in old else 224)
    assert ('Distilled' in backbone.type) is ('distilled' in old)


def test_other_packages_keep_their_paths():
    path = 'deit/deit-base_pt-16xb64_in1k.py'
    for package in ('mmpretrain', 'mmrazor'):
        resolved = config_utils._get_package_and_cfg_path(f'{package}::{path}')
        assert resolved == (package, path)
