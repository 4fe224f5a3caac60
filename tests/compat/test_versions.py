from importlib.metadata import PackageNotFoundError

import pytest

from mcmi_plugin.compat.versions import SUPPORTED, check_versions
from mcmi_plugin.errors import UserError

WORKING = {
    'torch': '2.11.0+cu130',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmpretrain': '1.2.0',
    'mmrazor': '1.0.0',
    'setuptools': '81.0.0',
}


def lookup(installed):
    def version_of(distribution):
        if distribution not in installed:
            raise PackageNotFoundError(distribution)
        return installed[distribution]

    return version_of


def test_the_installed_stack_is_supported():
    check_versions()


def test_full_mmcv_serves_as_well_as_lite():
    installed = {**WORKING, 'mmcv': '2.0.0rc1'}
    del installed['mmcv-lite']
    check_versions(lookup(installed))


@pytest.mark.parametrize(
    ('distribution', 'version'),
    [
        ('torch', '2.5.1+cu121'),
        ('mmengine', '0.11.0'),
        ('mmengine', '0.9.1'),
        ('mmcv-lite', '2.2.0'),
        ('mmpretrain', '1.0.2'),
        ('mmrazor', '0.3.1'),
        ('setuptools', '82.0.0'),
    ],
)
def test_unsupported_version_is_named_with_those_that_work(distribution, version):
    with pytest.raises(UserError) as raised:
        check_versions(lookup({**WORKING, distribution: version}))
    package = distribution.removesuffix('-lite')
    message = str(raised.value)
    assert f'{package} {version} is not supported' in message
    assert f"pip install '{distribution}{SUPPORTED[package][1]}'" in message
    assert '\n' not in message


def test_everything_missing_is_told_in_one_line():
    with pytest.raises(UserError) as raised:
        check_versions(lookup({}))
    message = str(raised.value)
    assert all(f'{package} is not installed' in message for package in SUPPORTED)
    assert '\n' not in message
