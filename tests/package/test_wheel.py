"""The wheel, built and used outside the checkout, on the stack that is installed."""

import email
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import PROJECT

import mcmi_plugin

STALE = 'build/lib/mcmi_plugin/.mim/configs/mcmi/removed_long_ago.py'
# Runs where the wheel is installed, and tells what it found there.
PROBE = """
import json, sys, torch
import mcmi_plugin
from mcmi_study.plan import read_study
from mmengine.config import Config
from mmengine.hub import get_config

table1 = 'SITE/mcmi_plugin/.mim/configs/study/table1.py'
study = read_study(table1, 'smoke', 'study', None, {}, None, {})
print(json.dumps(dict(
    package=mcmi_plugin.__file__,
    torch=torch.__file__,
    inherited=Config.fromfile('mine.py').to_dict(),
    read=get_config('mcmi_plugin::mcmi/quickstart_digits.py').mcmi.to_dict(),
    cells=len(study.cells),
)))
"""


def say(words: list, **kwargs) -> str:
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=1800, **kwargs
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, because building writes beside the sources."""
    folder = tmp_path_factory.mktemp('wheel')
    copy = folder / 'project'
    unwanted = shutil.ignore_patterns('__pycache__', '*.egg-info', '.mim')
    for name in ('mcmi_plugin', 'mcmi_study', 'benchmarks', 'configs', 'tools'):
        shutil.copytree(PROJECT / name, copy / name, ignore=unwanted)
    for pattern in ('setup.*', '*.toml', '*.in', '*.yml', 'README.md', 'LICENSE'):
        for path in PROJECT.glob(pattern):
            shutil.copy(path, copy)
    (copy / STALE).parent.mkdir(parents=True)
    (copy / STALE).write_text('of an older build')
    pip = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-index']
    say([*pip, '--no-build-isolation', '-w', folder, copy])
    (built,) = folder.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def site(wheel, tmp_path_factory) -> Path:
    """Site packages of an environment with the wheel and, behind it, the stack."""
    folder = tmp_path_factory.mktemp('environment')
    venv.create(folder, with_pip=False)
    (site,) = folder.glob('lib/python*/site-packages')
    pip = [sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index']
    say([*pip, '--target', site, wheel])
    # A path that a .pth file names is not searched for .pth files itself, so the
    # checkout, if it is installed as editable, is not seen.
    stack = Path(pytest.__file__).parents[1]
    (site / 'a_stack.pth').write_text(f'{stack}\n')  # the first: the next needs it
    # By this one setuptools brings distutils, which mmengine imports, to Python 3.12.
    shutil.copy(stack / 'distutils-precedence.pth', site)
    return site


def python_of(site: Path) -> Path:
    return site.parents[2] / 'bin/python'


def outside(tmp_path: Path) -> dict:
    """Where the checkout is neither the folder nor on the path."""
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    return dict(cwd=tmp_path, env=env)


def test_configs_and_tools_are_in_the_mim_folder(wheel):
    inside = {
        name.partition('/.mim/')[2]
        for name in zipfile.ZipFile(wheel).namelist()
        if '/.mim/' in name and not name.endswith('/')
    }
    expected = {'model-index.yml'}
    project = wheel.parent / 'project'
    for folder in ('configs', 'tools'):
        files = (path for path in (project / folder).rglob('*') if path.is_file())
        expected |= {str(path.relative_to(project)) for path in files}
    # What checks a checkout has nothing to check in a wheel; STALE is not there.
    assert inside == {p for p in expected if not re.match('tools/.*check.*[.]sh', p)}
    assert len(inside) > 100


def test_package_data_and_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    project = wheel.parent / 'project'
    ours = 'mcmi_plugin', 'mcmi_study'
    for path in itertools.chain(*((project / name).rglob('*') for name in ours)):
        if path.is_file():
            assert str(path.relative_to(project)) in names
    (metadata,) = (n for n in names if n.endswith('.dist-info/METADATA'))
    said = email.message_from_bytes(archive.read(metadata))
    assert said['Version'] == mcmi_plugin.__version__
    assert said['License-Expression'] == 'Apache-2.0'
    extras = {'report', 'sweep', 'export', 'test', 'dev'}
    assert set(said.get_all('Provides-Extra')) == extras
    readme = (PROJECT / 'README.md').read_text()
    assert said.get_payload(decode=True).decode().strip() == readme.strip()
    assert any(name.endswith('licenses/LICENSE') for name in names)


def test_what_serves_a_checkout_alone_is_not_in_it(wheel):
    tops = {name.partition('/')[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top.partition('-')[0] for top in tops} == {'mcmi_plugin', 'mcmi_study'}


def test_used_outside_the_checkout(site, tmp_path):
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'mcmi_plugin::mcmi/quickstart_digits.py'\nmcmi = dict(epochs=3)\n"
    )
    words = [python_of(site), '-W', 'ignore', '-c', PROBE.replace('SITE', str(site))]
    found = json.loads(say(words, **outside(tmp_path)).splitlines()[-1])
    assert Path(found['package']).is_relative_to(site)
    assert not Path(found['torch']).is_relative_to(site)
    inherited = found['inherited']
    assert inherited['mcmi']['epochs'] == 3
    assert inherited['model']['type'] == 'SingleTeacherDistill'
    assert '_scope_' not in inherited['train_dataloader']['dataset']
    assert found['read'] == {**inherited['mcmi'], 'epochs': 10}
    assert found['cells'] > 0


def test_a_training_run_from_the_installed_files(site, tmp_path):
    """By the command that the wheel brings, which the path has."""
    quick_start = 'mcmi_plugin::mcmi/quickstart_digits.py'
    options = ['mcmi.epochs=1', 'mcmi.mll_epochs=1', 'mcmi.control=False']
    options += ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=256']
    entry = site / 'bin/mcmi-plugin'
    words = [python_of(site), entry, 'train', quick_start, '--cfg-options']
    printed = say([*words, *options], **outside(tmp_path))
    assert 'teacher, MCMI' in printed
    done = tmp_path / 'work_dirs/quickstart_digits'
    assert json.loads((done / 'mcmi/summary.json').read_text())
    assert (done / 'epoch_1.pth').is_file()
    page = (done / 'report.html').read_text()
    assert 'mcmi-plugin report work_dirs/quickstart_digits' in page
