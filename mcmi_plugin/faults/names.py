"""A component that cannot be built, named by its key in the config.

OpenMMLab's words for it name a registry or a Python function; the config has
hundreds of keys. So the failure is looked up in the config afterwards: a name that
no registry knows, an argument that does not exist, or a value that a component
itself refuses.
"""

import difflib
import inspect
import re
from collections.abc import Iterator
from types import TracebackType

from mmengine import registry as registries
from mmengine.config import Config, ConfigDict
from mmengine.registry import OPTIMIZERS, Registry
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.optim_wrappers import wrappers_in
from mcmi_plugin.type_names import short_name

REFUSALS = (KeyError, TypeError, ValueError, AssertionError, NotImplementedError)
_ROOTS = [r for r in vars(registries).values() if isinstance(r, Registry)]
_UNKNOWN_NAME = re.compile(r'(\S+) is not in the \S+?::(.+) registry')
# Python 3.13 and later go on: "... 'x'. Did you mean 'y'?"
_UNKNOWN_ARGUMENT = re.compile(
    r"([\w.]+)\(\) got an unexpected keyword argument '([^']+)'"
)
# Of an unknown optimizer mmengine asks for the signature before it looks.
_NO_OPTIMIZER = 'None is not a callable object'
_SHOWN = 3


class Inserted(ConfigDict):
    """A part of a config that no user has written, as what ``data_fraction`` puts
    around a data set; what is inside goes by the keys that it has without it."""


def explain(error: Exception, cfg: Config) -> None:
    """Say in the config's own keys why a component of it cannot be built.

    Returns only where the failure has nothing to do with the config.

    Raises:
        UserError: one line with the key, what is wrong and the closest valid name.
    """
    if isinstance(error, UserError):
        return
    text = str(error.args[0]) if error.args else ''
    if text == _NO_OPTIMIZER:
        wrappers = wrappers_in(cfg.optim_wrapper).values()
        named = [w['optimizer']['type'] for w in wrappers]
        name = next((n for n in named if OPTIMIZERS.get(n) is None), named[0])
        text = f'{name} is not in the mmengine::{OPTIMIZERS.name} registry'
    if found := _UNKNOWN_NAME.search(text):
        _unknown_name(found[1], found[2], cfg, error)
    if found := _UNKNOWN_ARGUMENT.search(text):
        _unknown_argument(found[1], found[2], cfg, error)
    if isinstance(error, NotImplementedError):
        _not_implemented(text, cfg, error)
    part = _refused_part(error.__traceback__)
    if part is None:
        return
    for path, candidate in _parts(cfg):
        if candidate == part:
            look = f'; look at {part["ann_file"]}' if part.get('ann_file') else ''
            # A bare assert has no text, and is named.
            why = ' '.join(text.split()) or type(error).__name__
            raise UserError(
                f'{path}: {part["type"]} refuses its values ({why}){look}'
            ) from error


def _not_implemented(text: str, cfg: Config, error: Exception) -> None:
    """Of a network that was built, but does not do what is asked, as LeViT's head."""
    traceback, module = error.__traceback__, None
    while traceback is not None:
        module = traceback.tb_frame.f_locals.get('self', module)
        traceback = traceback.tb_next
    if not isinstance(module, nn.Module):
        return
    name = type(module).__name__
    for path, part in _parts(cfg):
        if short_name(part.get('type')) == name:
            remedy = 'take another one'
            if 'distillation' in arguments_of(type(module)):
                remedy = f'set {path}.distillation=False, or {remedy}'
            raise UserError(
                f'{path}: {name} cannot do this ({" ".join(text.split())}); {remedy}'
            ) from error


def _unknown_name(name: str, kind: str, cfg: Config, error: Exception) -> None:
    names = sorted({n for root in _ROOTS if kind in _kinds(root) for n in _names(root)})
    short = short_name(name)
    close = difflib.get_close_matches(short, names, _SHOWN)
    hint = f'closest: {", ".join(close)}' if close else 'import what registers it'
    if short in names:
        scope = cfg.get('default_scope')
        hint = f'it is one of another scope; look at default_scope={scope}'
    # MMRazor registers ModuleOutputsRecorder for what its configs call ModuleOutputs.
    written = (name, short, name.removesuffix('Recorder'))
    keys = [path for path, part in _parts(cfg) if part.get('type') in written]
    key = f'{keys[0]}.type' if keys else 'the config'
    raise UserError(f'{key}: there is no {kind} {name!r}; {hint}') from error


def _kinds(root: Registry) -> set[str]:
    return {root.name, *(child.name for child in root.children.values())}


def _names(root: Registry) -> Iterator[str]:
    yield from root.module_dict
    for child in root.children.values():
        yield from _names(child)


def _unknown_argument(
    function: str, argument: str, cfg: Config, error: Exception
) -> None:
    owner = function.partition('.')[0]
    holders = [(path, part) for path, part in _parts(cfg) if argument in part]
    if not holders:
        return
    # The part that was being made; or one of that class, or of one that inherits it.
    made = _refused_part(error.__traceback__)
    path, part = max(
        holders, key=lambda h: (h[1] == made, any(_is_a(owner, h[1].get('type'))))
    )
    known = set(part) | {p for cls in _classes(part, owner) for p in arguments_of(cls)}
    by_lower = {name.lower(): name for name in known - {argument, 'type'}}
    close = difflib.get_close_matches(argument.lower(), by_lower, 1)
    hint = f'did you mean {path}.{by_lower[close[0]]}?' if close else 'take it out'
    raise UserError(f'{path}.{argument} is no argument of {owner}; {hint}') from error


def _classes(part: dict, owner: str) -> list[type]:
    found = classes_named(part.get('type', owner))
    return [*found, DataLoader] if owner == 'DataLoader' else found


def classes_named(name: str | None) -> list[type]:
    """The classes of any scope that are registered by a name."""
    short = short_name(name)
    registered = (
        registry.module_dict.get(short)
        for root in _ROOTS
        for registry in (root, *root.children.values())
    )
    return [cls for cls in registered if inspect.isclass(cls)]


def _is_a(owner: str, name: str | None) -> Iterator[bool]:
    for cls in classes_named(name):
        yield any(base.__name__ == owner for base in cls.__mro__)


def arguments_of(cls: type) -> Iterator[str]:
    """Arguments of a class and of those that it inherits."""
    for base in cls.__mro__:
        if '__init__' in vars(base) and base is not object:
            yield from list(inspect.signature(vars(base)['__init__']).parameters)[1:]


def _refused_part(traceback: TracebackType | None) -> dict | None:
    """The config of the innermost component whose making has failed."""
    part = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_name == 'build_from_cfg':
            part = traceback.tb_frame.f_locals.get('cfg')
        traceback = traceback.tb_next
    return part if isinstance(part, dict) and 'type' in part else None


def _parts(part, path: tuple = ()) -> Iterator[tuple[str, dict]]:
    """All dictionaries of a config, each with its dotted key."""
    if isinstance(part, (dict, Config)):
        if path:
            yield '.'.join(path), part
        for key, value in part.items():
            inside = path if isinstance(part, Inserted) else (*path, str(key))
            yield from _parts(value, inside)
    elif isinstance(part, (list, tuple)):
        for index, value in enumerate(part):
            yield from _parts(value, (*path, str(index)))
