"""What a docstring refers to by its whole name is there."""

import importlib
import re

from conftest import PROJECT

NAME = re.compile(r':(?:func|class|mod|meth):`~?(mcmi_(?:plugin|study)(?:\.\w+)+)`')


def is_there(name: str) -> bool:
    module, _, last = name.rpartition('.')
    try:
        return hasattr(importlib.import_module(module), last)
    except ModuleNotFoundError:  # of a method
        return False


def test_every_name_is_there():
    found = {
        (path.name, name)
        for path in PROJECT.glob('mcmi_*/**/*.py')
        for name in NAME.findall(path.read_text())
    }
    assert len(found) > 10
    assert not [place for place in found if not is_there(place[1])]
