"""CIFAR-10 and CIFAR-100 as their authors publish them: offline and safely.

The python version is an archive of pickled dictionaries, one per batch, that
Python 2 wrote. It is read where it lies, packed or unpacked: nothing is
downloaded or written. mmpretrain's classes ``CIFAR10`` and ``CIFAR100`` tell
names, checksums and classes.
"""

import hashlib
import io
import os.path as osp
import tarfile
from typing import IO, Any, cast

import numpy as np
from mmengine.fileio import exists, get, join_path

from mcmi_plugin.datasets.cifar_pickle import load_batch
from mcmi_plugin.datasets.packed import UNREADABLE, not_usable, unzipped
from mcmi_plugin.errors import UserError

_IMAGE = (3, 32, 32)


def find_source(dataset: Any, key: str) -> str:
    """The folder or the archive that a data set is read from.

    Args:
        dataset: mmpretrain's ``CIFAR10`` or ``CIFAR100``, nothing loaded.
        key: the config key that its folder stands under, for the error.

    Raises:
        UserError: neither is there.
    """
    root = osp.expanduser(dataset.data_prefix['root'])
    folder = join_path(root, dataset.base_folder)
    archive = join_path(root, dataset.filename)
    paths = [join_path(folder, name) for name, _ in _batches(dataset)]
    missing = [path for path in paths if not exists(path)]
    if not missing:
        return folder
    if exists(archive):
        return archive
    raise UserError(
        f'{key}: there is neither {osp.abspath(archive)} nor '
        f'{osp.abspath(missing[0])}; put the archive there as it is ({dataset.url}) or '
        f'name another folder: --cfg-options {key}=DIR'
    )


def read_split(dataset: Any, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels; arguments as for :func:`find_source`.

    A file of as many images as the official one must be the official one, by its
    MD5, unless the data set says ``checksum=False``; any other number is a selection
    of the user's own in the same form.

    Returns:
        uint8 RGB images [N, 32, 32, 3] and int64 labels [N], CIFAR-100's fine
        ones.

    Raises:
        UserError: a file is missing, damaged, of another form, or asks for code
            to be run.
    """
    source = find_source(dataset, key)
    batches = _batches(dataset)
    try:
        contents = _read(source, dataset.base_folder, [name for name, _ in batches])
    except (*UNREADABLE, tarfile.TarError) as error:
        raise not_usable(source, error, dataset.url) from error
    images, labels = [], []
    for (name, md5), content in zip(batches, contents, strict=True):
        way_out = ''
        try:
            batch_images, batch_labels = _decode(
                content, len(dataset.METAINFO['classes'])
            )
            if dataset.checksum and len(batch_labels) == _official_number(name):
                way_out = (
                    '; or, with labels of your own: --cfg-options '
                    f'{key.rpartition(".")[0]}.checksum=False'
                )
                _check_md5(content, md5)
        except ValueError as error:
            raise not_usable(
                f'{source}: {name}', error, dataset.url, way_out
            ) from error
        images.append(batch_images)
        labels.append(batch_labels)
    return np.concatenate(images), np.concatenate(labels)


def _batches(dataset: Any) -> list[list[str]]:
    return dataset.train_list if dataset.split == 'train' else dataset.test_list


def _read(source: str, base_folder: str, names: list[str]) -> list[bytes]:
    if osp.basename(source) == base_folder:
        return [get(join_path(source, name)) for name in names]
    # Not by tarfile, which would stop before the end.
    unpacked = io.BytesIO(unzipped(get(source)))
    with tarfile.open(fileobj=unpacked, mode='r:') as archive:
        try:
            return [
                cast(IO, archive.extractfile(f'{base_folder}/{name}')).read()
                for name in names
            ]
        except KeyError as error:
            raise tarfile.TarError(error.args[0]) from error


def _decode(content: bytes, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """One batch; ValueError says what is wrong with it."""
    pixels, labels = load_batch(content)
    if pixels.shape != (len(labels), np.prod(_IMAGE)):
        raise ValueError(f'{pixels.shape} pixels for {len(labels)} labels')
    if not np.isin(labels, range(num_classes)).all():
        raise ValueError(f'labels are not all from 0 to {num_classes - 1}')
    images = pixels.reshape(-1, *_IMAGE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def _official_number(name: str) -> int:
    return 50_000 if name == 'train' else 10_000  # CIFAR-100's; all other files'


def _check_md5(content: bytes, expected: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise ValueError(f'its MD5 is {found}, the official file has {expected}')
