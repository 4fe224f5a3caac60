"""Configs as they are read here: whatever their style, every ``type`` is a name."""

import copy
import os.path as osp
from pathlib import Path

import mmengine.hub
from mmengine.config import Config, ConfigDict

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.faults.closest import closest_file
from mcmi_plugin.trainings import files_in_order
from mcmi_plugin.type_names import name_types


def read_config(name: str | Path, key: str = '', **options) -> Config:
    """A config, in whatever style it is written.

    Args:
        name: a file, or ``package::path``.
        key: that names it, for errors; a command's argument has none.
        options: of mmengine's ``Config.fromfile``, for a file.

    Raises:
        UserError: there is no such file, it cannot be read, or a ``type`` in it cannot
            be named.
    """
    at, name = f'{key}: ' * bool(key), str(name)
    if '::' not in name and not osp.isfile(name):
        raise UserError(f'{at}there is no config {name}{closest_file(name)}')
    try:
        if '::' in name:
            cfg = mmengine.hub.get_config(name)
        else:
            cfg = Config.fromfile(name, **options)
        name_types(cfg)
        return cfg
    except UserError:
        raise
    except Exception as error:  # a config is code, and fails as code does
        if isinstance(error, ImportError) and error.__cause__ is not None:
            # mmengine's words list the whole search path, and not the reason.
            reason = one_line(error.__cause__.__context__ or error.__cause__)
            raise UserError(
                f'{at}{name}: custom_imports: {reason}; if it is a file of yours, '
                'put PYTHONPATH=ITS_FOLDER before the command'
            ) from error
        why = one_line(error)
        raise UserError(f'{at}{name}: {why}{closest_file(why)}') from error


def recorded_config(work_dir: Path) -> Path | None:
    """The config of the newest training in a work dir; None: it has none on record.

    A test leaves its own beside it, which trains nothing, and over the one that bears
    the config's name.
    """
    for dump in reversed(files_in_order(work_dir, 'config.py')):
        # A user's own modules may be elsewhere; nothing is built yet.
        if read_config(dump, import_custom_modules=False).get('train_cfg'):
            return dump
    return None


def read_network(name: str, key: str) -> Config:
    """A config that has a network, in ``model``; otherwise as :func:`read_config`.

    Raises:
        UserError: there is none in it, or it cannot be read.
    """
    cfg = read_config(name, key)
    if not isinstance(cfg.get('model'), dict):
        raise UserError(
            f'{key}: model is not set in {name}; name the config of a network'
        )
    return cfg


def written_out(name: str) -> ConfigDict:
    """The network that ``cfg_path`` stands for, written out to stand on its own.

    With its config's preprocessor, and the scope that its bare names are looked up in.

    Raises:
        UserError: there is no such config, or no network in it.
    """
    cfg = read_network(name, 'cfg_path')
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
