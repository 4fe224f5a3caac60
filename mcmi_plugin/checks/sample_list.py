"""A list of samples, ``ann_file`` of mmpretrain's ``CustomDataset``."""

import os.path as osp

from mmpretrain.datasets import CustomDataset

from mcmi_plugin.checks.data_set import known_class_names
from mcmi_plugin.errors import UserError


def check_list(dataset: CustomDataset, key: str, place: str) -> None:
    """A list of samples is there and can be read, and so is the first of them.

    Args:
        dataset: as its class sees its config.
        key: of the data set.
        place: of the folder that samples are named from, below ``key``.

    Raises:
        UserError: it names the file, and the line where one is at fault.
    """
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
            f'name another folder: --cfg-options {key}.{place}=DIR'
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
