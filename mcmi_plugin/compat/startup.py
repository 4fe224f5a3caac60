"""Work that a command's start would otherwise do again and again."""

import atexit
import contextlib
import functools
import gc
import os
import os.path as osp
import sys
import tempfile
from collections.abc import Callable, Iterator

from mcmi_plugin.locations import is_command


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


def settle_environment() -> None:
    """Variables that would end an import and that no command of ours asks about.

    A notebook exports ``MPLBACKEND`` for its own Python to every command that it
    starts; ours draw into files. Where nobody knows a home, as for a user of a
    container without an entry in passwd, yapf raises when mmengine imports it.
    """
    if is_command() and 'matplotlib' not in sys.modules:
        os.environ['MPLBACKEND'] = 'agg'
    if not osp.isabs(osp.expanduser('~')):
        os.environ['HOME'] = tempfile.gettempdir()


def spare_repeated_work() -> None:
    """Let mmengine do once, or not at all, what it does for every Runner.

    What upstream does: it formats a config's text anew for the log, the dump, the
    visualizer and every checkpoint, and it reads all metafiles of a package, to
    learn that a ``package::_base_/...`` config is in none. With what
    ``installed_packages`` spares, that is 2 s of the 6 s until the quick start trains,
    and 0.1 s of every checkpoint. The results are the same.

    Each part falls away with the function that it is about.
    """
    import mmengine.config.config as config

    if hasattr(config, 'FormatCode'):
        config.FormatCode = _remembering_last(config.FormatCode)
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


def _knowing_bases(external_path: Callable[[str, str], str]):
    @functools.wraps(external_path)
    def path_from_metafiles(package_path: str, cfg_file: str) -> str:
        if cfg_file.startswith('_base_/'):
            raise ValueError(f'{cfg_file}: metafiles name whole configs')
        return external_path(package_path, cfg_file)

    return path_from_metafiles
