"""The messages on the page are those that the programs really have."""

import ast
import importlib.util
import mmap
import re
from pathlib import Path

import pytest
from conftest import PROJECT

PAGE = PROJECT / 'docs/troubleshooting.md'
HOLE = re.compile(r'<[a-z ]+>')

# Of a message that is not ours: the file that holds it, as package and path.
UPSTREAM = {
    '`<package>` is not installed': ('mmrazor', 'utils/placeholder.py'),
    "No module named 'pkg_resources'": ('mmengine', 'utils/package_utils.py'),
    'MMCV==<version> is used': ('mmrazor', '__init__.py'),
    'Expected to have finished reduction': ('torch', 'lib/libtorch_cpu.so'),
}


def messages() -> list[str]:
    lines = PAGE.read_text().splitlines()
    return [line.removeprefix('> ') for line in lines if line.startswith('> ')]


def literals(source: str) -> str:
    """All strings of a file, each with its implicit continuations in one piece."""
    texts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [
                v.value if isinstance(v, ast.Constant) else '' for v in node.values
            ]
            texts.append('\0'.join(parts))
    return '\n'.join(texts)


@pytest.fixture(scope='module')
def sources() -> dict[str, str]:
    files = PROJECT.glob('mcmi_*/**/*.py')
    return {str(file): literals(file.read_text()) for file in files}


def missing(message: str, text: str) -> list[str]:
    """What stands between the holes of a message and nowhere in the text."""
    return [part for part in HOLE.split(message) if part.strip(' ;.') not in text]


def test_there_are_messages():
    assert len(messages()) > 15
    starts = [start for start in UPSTREAM if not any(start in m for m in messages())]
    assert not starts, 'no longer on the page'


@pytest.mark.parametrize('message', messages())
def test_the_message_is_in_the_source(message, sources):
    for start, (package, file) in UPSTREAM.items():
        if message.startswith(start):
            return check_upstream(message, package, file)
    closest = min((missing(message, text) for text in sources.values()), key=len)
    assert not closest, 'not in one file of mcmi_plugin'


def check_upstream(message: str, package: str, file: str) -> None:
    path = Path(importlib.util.find_spec(package).origin).parent / file
    if path.suffix == '.so':
        with path.open('rb') as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            assert content.find(message.rstrip('.').encode()) > 0
        return
    source = path.read_text()
    if message.startswith('No module named'):  # Python's words
        assert f'import {message.split(chr(39))[1]}' in source
    else:
        assert not missing(message, literals(source)), path
