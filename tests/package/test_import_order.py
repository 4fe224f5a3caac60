"""No arrow runs back up: a room of the package imports from the rooms below it.

And a public name means one thing, in whichever room.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from conftest import PROJECT

PACKAGE = PROJECT / 'mcmi_plugin'
# What stands beside the package is on top of it.
OURS = ('mcmi_plugin', 'mcmi_study', 'benchmarks')
# The picture in CONTRIBUTING.md, a line a floor, the lowest last.
PICTURE = re.search(
    r'```text\n(.*?)```', (PROJECT / 'CONTRIBUTING.md').read_text(), re.DOTALL
)
FLOORS = [re.findall(r'\w+', line) for line in PICTURE[1].splitlines()][::-1]

# Modules of one kind, beside one another in a room, answer under the same names.
OF_ONE_KIND = {
    'convert': ('is_for', 'naming'),
    'datasets': ('find_source', 'read_split'),
    'export': ('FILE', 'LOAD', 'write'),
}
# Of teachers' stored outputs, which have these names a second time.
STILL = {'Table', 'logits_of'}


def room(module: str) -> str:
    """The folder, or the file beside the folders, that a module is in."""
    return module.removeprefix('mcmi_plugin').removeprefix('.').partition('.')[0]


def imported(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever in it."""
    package = path.relative_to(PROJECT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = '.'.join([*above, *filter(None, [node.module])])
            names = [f'{base}.{alias.name}' for alias in node.names]
        found |= {room(n) for n in names if n.split('.')[0] in OURS}
    return found


def arrows() -> set[tuple[str, str]]:
    found = set()
    for path in PACKAGE.rglob('*.py'):
        here = room('.'.join(path.relative_to(PROJECT).with_suffix('').parts))
        if here not in ('__init__', '__main__'):  # the door, which opens on all
            found |= {(here, there) for there in imported(path) if there != here}
    return found


def test_every_room_has_its_floor_and_imports_from_below():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    # What is no room is the package itself, which is above them all.
    roof = len(FLOORS)
    up = {(a, b) for a, b in arrows() if floor[a] <= floor.get(b, roof)}
    assert not up


def test_networks_are_built_by_themselves_in_one_way():
    """By ``networks.py``, in the config's scope; MMRazor's own builder is mended.

    A loss around another loss builds that.
    """
    building = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob('*.py')
        if 'MODELS.build(' in path.read_text()
    }
    assert building == {'compat/own_configs.py', 'losses/logit_losses.py'}


def public_names(path: Path) -> Iterator[str]:
    """What a file defines at its top and does not call its own."""
    for node in ast.parse(path.read_text()).body:
        targets = getattr(node, 'targets', [getattr(node, 'target', node)])
        for target in targets:
            name = getattr(target, 'name', getattr(target, 'id', '_'))
            if not name.startswith('_'):
                yield name


def test_a_public_name_is_defined_once():
    names = Counter(
        name
        for path in PACKAGE.rglob('*.py')
        for name in public_names(path)
        if name not in OF_ONE_KIND.get(path.relative_to(PACKAGE).parts[0], ())
    )
    assert {name for name, number in names.items() if number > 1} <= STILL
