"""Classes in a config become names.

In mmengine's pure Python style, and wherever a config imports what it uses, a
``type`` is a class and not its name. Whatever looks at a ``type`` here reads a name.
"""

import functools
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import mmengine.registry
import mmpretrain.registry
import mmrazor.registry
from mmengine.config import Config
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string

from mcmi_plugin.errors import UserError

# Keys under which mmengine takes a class, or another callable, for a name.
KEYS = ('type', 'constructor', 'runner_type')
_ROOT = 'mmengine'


def name_types(cfg: Config) -> None:
    """Write every class under ``type`` by its name, in place.

    The name means that very class wherever it stands: the registered one with its
    scope, without one where no scope has another class of that name, or else the
    dotted path that it is imported by. A ``functools.partial`` becomes what it calls
    and its arguments. What the config has imported leaves its top.

    Raises:
        UserError: it names the key of a callable that cannot be imported.
        ImportError: a class that a pure Python config imports is not there.
    """
    content = cfg._cfg_dict
    for key in [k for k, v in dict.items(content) if _is_imported(v)]:
        dict.pop(content, key)  # unbuilt: it may be no longer there, and unused
    _name(content, '')


def _is_imported(value: Any) -> bool:
    return isinstance(value, (LazyObject, LazyAttr, ModuleType, type)) or (
        inspect.isroutine(value)
    )


def _name(part: Any, path: str) -> Any:
    """The part, with names in it; dictionaries are changed in place."""
    if isinstance(part, dict):
        # dict.items, because a ConfigDict's own would import every lazy value.
        for key, value in list(dict.items(part)):
            where = f'{path}.{key}'.lstrip('.')
            if key in KEYS:
                part[key] = _named(value, part, where)
            else:
                part[key] = _name(value, where)
    elif type(part) in (list, tuple):
        return type(part)(_name(v, f'{path}.{i}') for i, v in enumerate(part))
    return part


def _named(value: Any, part: dict, path: str) -> Any:
    written = None
    if isinstance(value, (LazyObject, LazyAttr)):
        written, value = f'{value.module}.{value}', value.build()
    if isinstance(value, functools.partial) and not value.args:
        for key, argument in value.keywords.items():
            part.setdefault(key, argument)
        return _named(value.func, part, path)
    if not callable(value):
        return _name(value, path)
    name = registered_name(value) or _dotted_path(value, written)
    if name is None:
        raise UserError(
            f'{path}: {getattr(value, "__qualname__", value)!r} cannot be imported by '
            'its name; define it in a module, or register it and give its name'
        )
    return name


def short_name(kind: Any) -> str:
    """The last name of a class, which is given itself or by a name of any scope."""
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def registered_name(thing: Any) -> str | None:
    """The name by which the registries give that very thing, or None."""
    found = [
        (registry, name)
        for registry in _registries()
        for name, registered in registry.module_dict.items()
        if registered is thing
    ]
    if not found:
        return None
    own = getattr(thing, '__name__', None)
    package = getattr(thing, '__module__', '').partition('.')[0]
    # A class may have several names, and stand in several scopes.
    registry, name = max(
        found, key=lambda place: (place[0].scope == package, place[1] == own)
    )
    children = registry.children.values()
    if registry.scope == _ROOT and all(
        child.module_dict.get(name, thing) is thing for child in children
    ):
        return name
    return f'{registry.scope}.{name}'


def _registries() -> Iterator[Registry]:
    roots = {
        id(registry.root): registry.root
        for package in (mmengine.registry, mmpretrain.registry, mmrazor.registry)
        for registry in vars(package).values()
        if isinstance(registry, Registry)
    }
    for root in roots.values():
        yield root
        yield from root.children.values()


def _dotted_path(thing: Any, written: str | None) -> str | None:
    own = f'{getattr(thing, "__module__", "")}.{getattr(thing, "__qualname__", "")}'
    for path in (own, written):
        if path and '<' not in path and get_object_from_string(path) == thing:
            return path
    return None
