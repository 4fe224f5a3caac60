"""The data of a config are there, and are what its data sets take them for."""

import os
import os.path as osp
from collections.abc import Iterable
from typing import Any

from mmengine.config import Config
from mmpretrain.datasets import CustomDataset

from mcmi_plugin.checks.data_set import (
    as_seen_by_its_class,
    class_of,
    place_of_data,
    reads_folders,
    type_name,
)
from mcmi_plugin.checks.folders import check_folder_names, check_pictures
from mcmi_plugin.checks.sample_list import check_list
from mcmi_plugin.compat.published_data import load_data_list, reader_of
from mcmi_plugin.datasets.configs import parts_of
from mcmi_plugin.datasets.part import LOADERS
from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.names import Inserted


def check_data(cfg: Config, loaders: Iterable[str] = LOADERS) -> None:
    """The data of a config are there and are what its data sets take them for.

    Args:
        loaders: those that are going to be read; a config may have others.

    Raises:
        UserError: it names the folder and the override that moves it.
    """
    scope = cfg.get('default_scope')
    for loader in loaders:
        if cfg.get(loader):
            check_data_set(cfg[loader].dataset, f'{loader}.dataset', scope)
    own = (cfg.get('mcmi') or {}).get('dataset')
    if own:
        check_data_set(own, 'mcmi.dataset', scope)


def check_data_set(config: dict, key: str, scope: str | None = None) -> None:
    """What a data set will read is there, complete and under the right names.

    Args:
        config: of the data set; of a wrapper, those inside it are looked at.

    Raises:
        UserError: no folder, file or picture; pictures that would be passed over;
            or class names that are not those of the folders.
    """
    if not isinstance(config, dict):
        return
    for name, part in parts_of(config):
        inside = key if isinstance(config, Inserted) else f'{key}.{name}'
        check_data_set(part, inside, scope)
    if isinstance(config.get('extensions'), str):  # of which each letter would count
        raise UserError(
            f'{key}.extensions={config["extensions"]!r}: must be a list; write '
            f"'{key}.extensions=[{config['extensions']}]'"
        )
    try:
        dataset = as_seen_by_its_class(config, scope)
    except OSError as error:
        raise UserError(
            f'{key}: {error.filename}: {error.strerror}; check the path'
        ) from error
    kind = class_of(config, scope)
    if kind and kind.load_data_list is load_data_list:
        return _check_files(config, dataset, key)
    folder = _folder(config, dataset)
    is_file = folder and osp.isfile(folder) and not reads_folders(dataset)
    if folder and '://' not in folder and not is_file:
        remedy = f'name another folder: --cfg-options {key}.{place_of_data(config)}=DIR'
        _check_folder(
            osp.abspath(folder), f'{key}: no {type_name(config)} data', remedy
        )
    if reads_folders(dataset):
        check_folder_names(config, dataset, key)
        check_pictures(config, dataset, key)
    elif isinstance(dataset, CustomDataset) and '://' not in dataset.ann_file:
        check_list(dataset, key, place_of_data(config))


def _folder(config: dict, dataset: Any) -> str | None:
    if reads_folders(dataset):
        return dataset.img_prefix
    given = config.get('data_root') or config.get('data_prefix')
    return given if isinstance(given, str) else None


def _check_folder(folder: str, absent: str, remedy: str) -> None:
    if not osp.isdir(folder):
        raise UserError(f'{absent} in {folder}; {remedy}')
    try:
        empty = not any(os.scandir(folder))
    except OSError as error:
        raise UserError(
            f'{absent}: cannot read {folder} ({error.strerror}); {remedy}'
        ) from error
    if empty:
        raise UserError(f'{absent}: {folder} is empty; {remedy}')


def _check_files(config: dict, dataset: Any, key: str) -> None:
    said_by = f'{key}.{place_of_data(config)}'
    if not (config.get('data_root') or config.get('data_prefix')):
        raise UserError(
            f'{said_by} is not set; name the folder: --cfg-options {said_by}=DIR'
        )
    if dataset is not None:
        reader_of(dataset).find_source(dataset, said_by)
