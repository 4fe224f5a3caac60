"""What an editable install puts beside the stack, and where it leads mim."""

import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from conftest import PROJECT

BUILD = "from setuptools.build_meta import build_editable; build_editable('../out')"
RECORDS = 'import sys\nprint(__name__, sys.argv)\n'


@pytest.fixture(scope='module')
def installed(tmp_path_factory) -> tuple[Path, Path]:
    """Site packages with nothing else in it, and the checkout."""
    folder = tmp_path_factory.mktemp('editable')
    copy, site = folder / 'project', folder / 'site'
    unwanted = shutil.ignore_patterns('__pycache__', '*.egg-info', '.mim')
    for name in ('mcmi_plugin', 'mcmi_study', 'configs', 'tools'):
        shutil.copytree(PROJECT / name, copy / name, ignore=unwanted)
    for pattern in ('setup.*', '*.toml', '*.in', '*.yml', 'README.md', 'LICENSE'):
        for path in PROJECT.glob(pattern):
            shutil.copy(path, copy)
    (copy / 'tools/train.py').write_text(RECORDS)
    (folder / 'out').mkdir()
    done = subprocess.run(
        [sys.executable, '-c', BUILD], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = (folder / 'out').glob('*.whl')
    zipfile.ZipFile(built).extractall(site)
    return site, copy


def test_the_package_is_the_checkouts(installed):
    site, copy = installed
    (path,) = site.glob('*.pth')
    assert path.read_text().split() == [str(copy)]
    # Python reads the lines of such a file after the folder that it is in.
    spec = PathFinder.find_spec('mcmi_plugin', [str(site), str(copy)])
    assert spec.origin == str(copy / 'mcmi_plugin/__init__.py')


def test_mim_finds_the_commands(installed):
    """It runs SITE-PACKAGES/mcmi_plugin/.mim/tools/train.py, with ``-h`` first."""
    site, copy = installed
    tools = site / 'mcmi_plugin/.mim/tools'
    names = [{path.name for path in t.glob('*.py')} for t in (tools, copy / 'tools')]
    assert names[0] == names[1] != set()
    said = subprocess.check_output(
        [sys.executable, tools / 'train.py', 'a.py', '--launcher', 'none'], text=True
    )
    script = str(copy / 'tools/train.py')
    assert said == f'__main__ {[script, "a.py", "--launcher", "none"]}\n'
