"""The examples in the docstrings are run, and give what they say."""

import doctest
from importlib import import_module

import pytest
from conftest import PROJECT

from mcmi_plugin import functional

EXAMPLES = sorted(
    '.'.join(path.relative_to(PROJECT).with_suffix('').parts)
    for path in (PROJECT / 'mcmi_plugin').rglob('*.py')
    if '>>> ' in path.read_text()
)


@pytest.mark.parametrize('module', EXAMPLES)
def test_examples(module):
    failed, tried = doctest.testmod(import_module(module))
    assert tried and not failed


def test_every_module_of_the_mathematics_has_one():
    """And what it has to offer is exported, in one place."""
    for path in (PROJECT / 'mcmi_plugin/functional').glob('*.py'):
        if path.stem != '__init__':
            assert f'mcmi_plugin.functional.{path.stem}' in EXAMPLES
    for name in functional.__all__:
        assert getattr(functional, name).__doc__, name
    assert functional.__all__ == sorted(functional.__all__)
