"""mmengine finds installed packages where there is no pkg_resources (setuptools 82)."""

import importlib
import os.path as osp
import sys
from importlib.metadata import PackageNotFoundError

import mmcv
import mmengine.config.config as config
import mmengine.hub.hub as hub
import mmengine.utils as utils
import mmengine.utils.package_utils as package_utils
import mmpretrain
import pytest
from mmengine.config import Config
from mmengine.hub import get_config


@pytest.fixture(autouse=True)
def without_pkg_resources(monkeypatch):
    """None is Python's own word for a module that is not to be found."""
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)


@pytest.fixture
def odd_packages(tmp_path, monkeypatch):
    """One without code, one whose distribution has another name, one that is mute."""
    (tmp_path / 'only_folders/inside').mkdir(parents=True)
    for name, module in (('by_another_name', 'mmcv\n'), ('mute', '')):
        info = tmp_path / f'{name}-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Name: {name}\nVersion: 1.0\n')
        (info / 'top_level.txt').write_text(module)
    monkeypatch.setattr(sys, 'path', [*sys.path, str(tmp_path)])
    importlib.invalidate_caches()


@pytest.mark.parametrize('module', [config, utils, package_utils])
def test_what_is_installed(module, odd_packages):
    for name in ('mmpretrain', 'mmrazor', 'by_another_name', 'mute'):
        assert module.is_installed(name)
    for name in ('no_such_package', 'only_folders'):
        assert not module.is_installed(name)


@pytest.mark.parametrize('module', [config, utils, package_utils, hub])
def test_where_it_is(module, odd_packages):
    assert module.get_installed_path('mmpretrain') == osp.dirname(mmpretrain.__file__)
    assert module.get_installed_path('by_another_name') == osp.dirname(mmcv.__file__)
    with pytest.raises(PackageNotFoundError, match='no_such_package'):
        module.get_installed_path('no_such_package')
    with pytest.raises(RuntimeError, match='only_folders is a namespace package'):
        module.get_installed_path('only_folders')
    with pytest.raises(ValueError, match='mute'):
        module.get_installed_path('mute')


def test_paths_into_other_packages_are_read():
    name = 'mmpretrain::resnet/resnet18_8xb32_in1k.py'
    found, scope = Config._get_cfg_path(name, 'any.py')
    assert osp.isfile(found) and scope == 'mmpretrain'
    assert get_config(name).model.type == 'ImageClassifier'


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match='mmdet is not installed'):
        Config._get_cfg_path('mmdet::some/config.py', 'any.py')
