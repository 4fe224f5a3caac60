"""Let ``mcmi_plugin::`` paths in configs mean the configs of this project."""

import functools
from collections.abc import Callable

from mmengine.config import Config
from mmengine.model import BaseModel

from mcmi_plugin.locations import CONFIGS

PREFIX = 'mcmi_plugin::'


def resolve_own_paths() -> None:
    """Resolve ``mcmi_plugin::path`` in ``_base_``, for ``get_config`` and ``cfg_path``.

    What upstream gets wrong: ``package::`` is for a fixed list of packages. With
    one that is added to the list, every part of the base config gets that
    package's name as its registry scope, and ours has none: its classes are in
    the root registries, and its configs name mmpretrain's and mmrazor's. A
    ``cfg_path`` cannot name a file of one's own at all.

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
    mmengine.hub.get_model = hub.get_model = _building(hub.get_model)


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


def _building(get_model: Callable[..., BaseModel]) -> Callable[..., BaseModel]:
    """MMRazor's builder of a network that is given by ``cfg_path``."""

    @functools.wraps(get_model)
    def build(cfg_path: str, pretrained: bool = False, **defaults) -> BaseModel:
        if '::' in cfg_path and not cfg_path.startswith(PREFIX):
            return get_model(cfg_path, pretrained, **defaults)
        from mmengine.registry import MODELS

        from mcmi_plugin.config_file import written_out
        from mcmi_plugin.errors import UserError

        if pretrained:
            raise UserError(
                f'cfg_path: {cfg_path} has no published weights; leave pretrained out, '
                'and name the checkpoint of a teacher as model.teacher_ckpt'
            )
        return MODELS.build(written_out(cfg_path), default_args=defaults)

    return build


def own_path(path: str) -> str:
    """File of ``mcmi_plugin::mcmi/quickstart_digits.py``; there may be none."""
    return str(CONFIGS / path.removeprefix(PREFIX))
