"""Links lead somewhere, pages are short, and no page knows this machine."""

import re

import mmengine.registry
import pytest
from conftest import PROJECT
from mmengine.registry import Registry
from pages import PAGES, README, blocks, files_in

import mcmi_plugin  # noqa: F401  registers
from mcmi_study.content import read_content

_LINK = re.compile(r'\[([^]]*)\]\(([^)\s]+)\)')
_FILE = re.compile(r'[\w/]+\.(?:md|py)')
_STUDY = re.compile(
    r'tools/study\.py\s+(configs/study/[a-z]\w*\.py)(?:\s+--scale\s+(\w+))?'
)
_MACHINE = re.compile(r'/(?:home|root|work|tmp|opt|Users)/')
_FENCED = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
# An exhibit, a promise or a message a line, or written before there was a limit.
LONGER = ('studies.md', 'reliability.md', 'troubleshooting.md')
LONGER += ('performance.md', 'replication.md', 'README.md')


def names(pages):
    return [str(page.relative_to(PROJECT)) for page in pages]


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r'^#+ (.+)$', _FENCED.sub('', text), re.MULTILINE)
    kept = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
    return {heading.strip().replace(' ', '-') for heading in kept}


@pytest.mark.parametrize('page', PAGES, ids=names(PAGES))
def test_links(page):
    text = page.read_text()
    for words, link in _LINK.findall(_FENCED.sub('', text)):
        if link.startswith(('http://', 'https://', 'mailto:')):
            continue
        path, _, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f'{link}: there is nothing'
        if _FILE.fullmatch(words):
            assert target.match(words), f'{link}: is not {words}'
        if anchor:
            assert anchor in anchors(target.read_text()), f'{link}: no such heading'


def test_a_study_that_a_page_names_has_the_scale():
    found = {said for page in PAGES for said in _STUDY.findall(page.read_text())}
    assert len(found) > 3
    for path, scale in found:
        there = read_content(str(PROJECT / path))['scales']
        assert (scale or 'small') in there, f'{path}: {scale or "no scale is said"}'


@pytest.mark.parametrize('page', PAGES, ids=names(PAGES))
def test_nothing_of_this_machine(page):
    found = _MACHINE.search(page.read_text())
    assert found is None, page.read_text()[found.start() - 40 : found.end() + 40]


@pytest.mark.parametrize('page', PAGES, ids=names(PAGES))
def test_a_page_is_short(page):
    if page.name not in LONGER:
        assert len(page.read_text().splitlines()) < 120


def test_the_readme_is_short_and_has_what_ci_runs():
    lines = README.read_text().splitlines()
    assert len(lines) < 200
    assert sum(line.startswith('pip install -e ') for line in lines) == 2


def test_the_readme_names_what_is_registered():
    ours = {
        name
        for registry in vars(mmengine.registry).values()
        if isinstance(registry, Registry)
        for name, cls in registry.module_dict.items()
        # What compat registers takes the place of a class of upstream's.
        if cls.__module__.startswith('mcmi_plugin.')
        and not cls.__module__.startswith('mcmi_plugin.compat.')
    }
    text = README.read_text()
    assert len(ours) > 40 and not [name for name in ours if f'`{name}`' not in text]


def test_the_index_lists_every_page():
    index = (PROJECT / 'docs/README.md').read_text()
    tree = (PROJECT / 'docs/index.rst').read_text().splitlines()
    for page in PAGES:
        if page.name != 'README.md':
            assert f'({page.name})' in index, page.name
            assert f'   {page.stem}' in tree, page.name


def test_blocks_are_found():
    assert len(blocks(README)) >= 5
    assert set(files_in(PROJECT / 'docs/add_a_method.md')) == {'my_loss.py', 'mine.py'}
