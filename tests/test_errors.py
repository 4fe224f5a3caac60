"""Errors of others in a line of ours."""

import re

import pytest
from conftest import PROJECT

from mcmi_plugin.errors import one_line


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (AssertionError(), 'AssertionError'),
        (ValueError(' \n '), 'ValueError'),
        (RuntimeError('\nsizes differ:\n\t3 and  4\n'), 'sizes differ: 3 and 4'),
    ],
)
def test_one_line(error, line):
    assert one_line(error) == line


def test_a_long_one_is_cut():
    assert one_line(RuntimeError('a few words ' * 9), 6) == 'a few...'
    assert one_line(RuntimeError('a few'), 5) == 'a few'


def test_nobody_else_makes_a_line_of_an_error():
    """Each by hand forgot something: the empty text, the breaks, or both."""
    by_hand = re.compile(r'str\(error\)( or|(\.strip\(\))?\.split)')
    places = [
        path.name
        for path in (PROJECT / 'mcmi_plugin').rglob('*.py')
        if by_hand.search(path.read_text())
    ]
    assert places == ['errors.py']
