"""The data of a config are there, and are what its data sets take them for."""

import os
import os.path as osp
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config
from mmpretrain.datasets import CustomDataset

from mcmi_plugin.checks.data_set import (
    as_seen_by_its_class,
    class_of,
    known_class_names,
    place_of_data,
    reads_folders,
    type_name,
)
from mcmi_plugin.checks.folders import check_folder_names, check_pictures
from mcmi_plugin.compat.published_data import load_data_list, reader_of
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
    for name, part in _parts(config):
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
        _check_list(config, dataset, key)


def _parts(config: dict) -> Iterator[tuple[str, dict]]:
    if config.get('dataset'):
        yield 'dataset', config['dataset']
    for index, part in enumerate(config.get('datasets') or []):
        yield f'datasets.{index}', part


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


def _check_list(config: dict, dataset: Any, key: str) -> None:
    """A list of samples is there, and so is the first of them."""
    path = dataset.ann_file
    if not path or type(dataset).load_data_list is not CustomDataset.load_data_list:
        return
    if not osp.isfile(path):
        raise UserError(
            f'{key}.ann_file: there is no file {osp.abspath(path)}; check the path'
        )
    key_of_list = f'{key}.ann_file: {path}'
    try:
        with open(path, encoding='utf-8') as file:
            lines = [line.rstrip('\r\n') for line in file]
    except UnicodeDecodeError as error:
        raise UserError(f'{key_of_list} is not UTF-8; save it as UTF-8') from error
    if dataset.with_label:
        _check_lines(lines, len(known_class_names(dataset) or ()), key_of_list)
    line = lines[0] if lines else ''
    name = line.strip().rsplit(' ', 1)[0] if dataset.with_label else line
    picture = osp.join(dataset.img_prefix, name)
    if name and '://' not in picture and not osp.exists(picture):
        raise UserError(
            f'{key}: there is no {osp.abspath(picture)}, which {path} lists first; '
            f'name another folder: --cfg-options {key}.{place_of_data(config)}=DIR'
        )


def _check_lines(lines: list[str], num_classes: int, list_file: str) -> None:
    """Each is ``FILE LABEL``; ``num_classes`` is 0 where it is not known."""
    for number, line in enumerate(lines, 1):
        words = line.strip().rsplit(' ', 1)
        place = f'{list_file}, line {number}'
        if line.startswith('\ufeff'):
            raise UserError(
                f'{place} begins with a byte order mark; save it as UTF-8 without one'
            )
        if len(words) < 2 or not words[1].isdecimal():
            raise UserError(
                f'{place}: {line!r} is not "FILE LABEL": a file, a space, and the '
                'number of its class from 0 on'
            )
        if num_classes and int(words[1]) >= num_classes:
            raise UserError(
                f'{place}: label {words[1]} is not in [0, {num_classes}), the classes '
                'that the data set names; labels count from 0'
            )
