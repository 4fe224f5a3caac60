"""The site is built from the pages and the docstrings without a warning."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import PROJECT
from pages import PAGES, README

# As reference.rst names them; packages with all of their modules.
DOCUMENTED = [
    'functional', 'losses', 'hooks', 'evaluation', 'datasets', 'fast',
    'stored.options', 'runner', 'models', 'distill', 'teacher.options', 'commands',
    'errors',
]  # fmt: skip


pytestmark = pytest.mark.slow  # most of a minute, for Sphinx


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Built from a copy: autosummary writes into its source folder."""
    pytest.importorskip('sphinx')
    pytest.importorskip('myst_parser')
    folder = tmp_path_factory.mktemp('site')
    ignore = shutil.ignore_patterns('generated')
    shutil.copytree(PROJECT / 'docs', folder / 'source', ignore=ignore)
    words = [sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going']
    done = subprocess.run(
        [*words, folder / 'source', folder / 'html'], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / 'html'


def test_every_page_is_in_it(site):
    index = (site / 'index.html').read_text()
    for page in PAGES:
        if page.name != 'README.md':
            assert (site / f'{page.stem}.html').is_file(), page.name
            assert f'{page.stem}.html' in index, page.name


def test_the_reference_has_every_public_module(site):
    text = (PROJECT / 'docs/reference.rst').read_text()
    assert re.findall(r'^   mcmi_plugin\.(\S+)$', text, re.MULTILINE) == DOCUMENTED
    for name in DOCUMENTED:
        path = PROJECT / 'mcmi_plugin' / name.replace('.', '/')
        files = path.glob('*.py') if path.is_dir() else [path.with_suffix('.py')]
        for file in files:
            parts = file.relative_to(PROJECT).with_suffix('').parts
            module = '.'.join(part for part in parts if part != '__init__')
            assert (site / f'generated/{module}.html').is_file(), module


def test_a_docstring_is_in_it(site):
    page = (site / 'generated/mcmi_plugin.functional.mcmi.html').read_text()
    assert 'safe_lambda' in page and 'row y = ' in page


def test_the_readme_leads_there():
    assert 'docs/README.md' in README.read_text()
