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
    'setuptools': '84.2.1',
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
        ('setuptools', '59.8.0'),
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


@pytest.mark.parametrize('originals', [True, False])
def test_a_fork_that_owns_the_same_folder_is_refused_with_a_way_back(originals):
    forks = {'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6'}
    installed = {**WORKING, **forks}
    if not originals:
        del installed['mmengine'], installed['mmcv-lite']
    with pytest.raises(UserError) as raised:
        check_versions(lookup(installed))
    message = str(raised.value)
    for name, number in forks.items():
        assert f'{name} {number} is not supported' in message
    # The shared files go with the fork, so that the originals are put there anew.
    _, _, remedy = message.partition(': pip uninstall -y ')
    removed, _, wanted = remedy.partition(' && pip install ')
    assert set(removed.split()) == set(forks) | (
        {'mmengine', 'mmcv-lite'} if originals else set()
    )
    assert wanted == "'mmengine>=0.10,<0.11' 'mmcv-lite>=2.0.0rc1,<=2.1.0'"
    assert '\n' not in message


@pytest.mark.parametrize(
    ('full', 'fault'),
    [
        ('2.2.0', 'mmcv 2.2.0 and mmcv-lite 2.1.0 share one folder'),
        ('2.0.1', 'mmcv 2.0.1 and mmcv-lite 2.1.0 share one folder'),
    ],
)
def test_two_versions_of_mmcv_in_one_folder(full, fault):
    with pytest.raises(UserError, match=fault) as raised:
        check_versions(lookup({**WORKING, 'mmcv': full}))
    assert "pip uninstall -y mmcv mmcv-lite && pip install 'mmcv-lite" in str(
        raised.value
    )


def test_a_full_mmcv_of_a_wrong_version_does_not_stay_behind():
    installed = {**WORKING, 'mmcv': '2.2.0'}
    del installed['mmcv-lite']
    with pytest.raises(UserError, match='mmcv 2.2.0 is not supported') as raised:
        check_versions(lookup(installed))
    assert 'pip uninstall -y mmcv && pip install' in str(raised.value)


def test_full_and_lite_of_one_version_are_the_same_files():
    check_versions(lookup({**WORKING, 'mmcv': '2.1.0'}))
