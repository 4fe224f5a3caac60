"""Configs as they are read here: whatever their style, every ``type`` is a name."""

import copy
from pathlib import Path

import mmengine.hub
from mmengine.config import Config, ConfigDict

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.closest import closest_file
from mcmi_plugin.type_names import name_types


def read_file(path: str | Path, **options) -> Config:
    """``Config.fromfile``, and names for classes.

    Raises:
        UserError: a ``type`` that cannot be named.
        Exception: a config is code, and fails as code does.
    """
    cfg = Config.fromfile(path, **options)
    name_types(cfg)
    return cfg


def read_named(name: str) -> Config:
    """The config ``package::path``, or a file of one's own.

    Raises:
        OSError: there is no such file; and as :func:`read_file`.
    """
    if '::' in name:
        return mmengine.hub.get_config(name)
    return read_file(name)


def written_out(name: str) -> ConfigDict:
    """The network that ``cfg_path`` stands for, written out to stand on its own.

    With its config's preprocessor, and the scope that its bare names are looked up in.

    Args:
        name: as for :func:`read_named`.

    Raises:
        UserError: there is no such config, or no network in it.
    """
    try:
        cfg = read_named(name)
    except OSError as error:
        raise UserError(
            f'cfg_path: there is no config {name}{closest_file(name)}'
        ) from error
    if not isinstance(cfg.get('model'), dict):
        raise UserError(
            f'cfg_path: model is not set in {name}; name the config of a network'
        )
    network = copy.deepcopy(cfg.model)
    if cfg.get('data_preprocessor'):
        network.data_preprocessor = copy.deepcopy(cfg.data_preprocessor)
    scope = name.partition('::')[0]
    if _is_own(name):
        scope = cfg.get('default_scope') or 'mmpretrain'
    network.setdefault('_scope_', scope)
    return network


def published_weights(name: str) -> str:
    """Address of the weights that a package publishes for its config.

    Raises:
        UserError: there are none.
    """
    try:
        if not _is_own(name):
            return mmengine.hub.get_config(name, pretrained=True).model_path
    except (AssertionError, AttributeError):  # its metafile does not say, or is none
        pass
    raise UserError(
        f'model.teacher: {name} has no published weights; leave pretrained out and '
        'name a checkpoint: --cfg-options model.teacher_ckpt=PATH'
    )


def _is_own(name: str) -> bool:
    """A file of one's own or of this project, which have no scope and no weights."""
    return '::' not in name or name.startswith('mcmi_plugin::')
