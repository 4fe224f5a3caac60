"""Work that a command's start would otherwise do again and again."""

import atexit
import contextlib
import functools
import gc
import inspect
import os.path as osp
from collections.abc import Callable, Iterator
from importlib.util import find_spec


@contextlib.contextmanager
def imports_kept() -> Iterator[None]:
    """Import without garbage collection, and leave what was imported out of it.

    There is nothing to collect in a million objects of imported modules, but every
    full collection walks through them; mmengine starts two for each data set.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(gc.unfreeze)  # or extensions complain of leaks at the end
    finally:
        if enabled:
            gc.enable()


def spare_repeated_work() -> None:
    """Let mmengine do once, or not at all, what it does for every Runner.

    What upstream does: it formats a config's text anew for the log, the dump, the
    visualizer and every checkpoint; it reloads ``pkg_resources`` for every
    ``package::`` path; and it reads all metafiles of a package, to learn that a
    ``package::_base_/...`` config is in none. That is 2 s of the 6 s until the
    quick start trains, and 0.1 s of every checkpoint. The results are the same.

    Each part falls away with the function that it is about, or when that one no
    longer does it.
    """
    import mmengine.config.config as config
    import mmengine.hub.hub as hub

    if hasattr(config, 'FormatCode'):
        config.FormatCode = _remembering_last(config.FormatCode)
    if 'reload(' in inspect.getsource(config.is_installed):
        config.is_installed = _finding(config.is_installed)
        for module in (config, hub):
            module.get_installed_path = _finding_path(module.get_installed_path)
    if hasattr(config, '_get_external_cfg_path'):
        config._get_external_cfg_path = _knowing_bases(config._get_external_cfg_path)


def _remembering_last(format_code: Callable) -> Callable:
    """yapf's ``FormatCode`` that knows the last few texts and styles."""

    @functools.lru_cache(maxsize=4)
    def remembered(text: str, style: tuple, verify: tuple):
        return format_code(text, style_config=dict(style), **dict(verify))

    @functools.wraps(format_code)
    def format_once(text: str, *, style_config: dict, **kwargs):
        style = tuple(sorted(style_config.items()))
        return remembered(text, style, tuple(kwargs.items()))

    return format_once


def _module_folder(package: str) -> str | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None  # not there, or without code
    return osp.dirname(spec.origin)


def _finding(is_installed: Callable[[str], bool]) -> Callable[[str], bool]:
    @functools.wraps(is_installed)
    def is_found(package: str) -> bool:
        return _module_folder(package) is not None or is_installed(package)

    return is_found


def _finding_path(installed_path: Callable[[str], str]) -> Callable[[str], str]:
    @functools.wraps(installed_path)
    def found_path(package: str) -> str:
        return _module_folder(package) or installed_path(package)

    return found_path


def _knowing_bases(external_path: Callable[[str, str], str]):
    @functools.wraps(external_path)
    def path_from_metafiles(package_path: str, cfg_file: str) -> str:
        if cfg_file.startswith('_base_/'):
            raise ValueError(f'{cfg_file}: metafiles name whole configs')
        return external_path(package_path, cfg_file)

    return path_from_metafiles
