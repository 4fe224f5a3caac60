"""Let ``mcmi_plugin::`` paths in configs mean the configs of this project."""

import functools
from collections.abc import Callable

from mmengine.config import Config

from mcmi_plugin.locations import CONFIGS

PREFIX = 'mcmi_plugin::'


def resolve_own_paths() -> None:
    """Resolve ``mcmi_plugin::path`` in ``_base_``, and for ``get_config``.

    What upstream gets wrong: ``package::`` is for a fixed list of packages. With
    one that is added to the list, every part of the base config gets that
    package's name as its registry scope, and ours has none: its classes are in
    the root registries, and its configs name mmpretrain's and mmrazor's.

    It falls away when mmengine asks a package itself where its configs are, and
    in which scope: then ``MODULE2PACKAGE`` is gone.
    """
    import mmengine.config.utils as utils
    import mmengine.hub
    import mmengine.hub.hub as hub

    if not hasattr(utils, 'MODULE2PACKAGE'):
        return
    Config._get_cfg_path = staticmethod(_of_base(Config._get_cfg_path))
    mmengine.hub.get_config = hub.get_config = _reading(hub.get_config)


def _of_base(cfg_path_of: Callable) -> Callable:
    @functools.wraps(cfg_path_of)
    def path_and_scope(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(PREFIX):
            return own_path(cfg_path), None
        return cfg_path_of(cfg_path, filename)

    return path_and_scope


def _reading(get_config: Callable[..., Config]) -> Callable[..., Config]:
    @functools.wraps(get_config)
    def read(cfg_path: str, pretrained: bool = False) -> Config:
        # None of this project's configs has published weights.
        if cfg_path.startswith(PREFIX) and not pretrained:
            return Config.fromfile(own_path(cfg_path))
        return get_config(cfg_path, pretrained)

    return read


def own_path(path: str) -> str:
    """File of ``mcmi_plugin::mcmi/quickstart_digits.py``; there may be none."""
    return str(CONFIGS / path.removeprefix(PREFIX))
