"""CIFAR-10 and CIFAR-100 as their authors publish them: offline and safely.

The python version is an archive of pickled dictionaries, one per batch, that
Python 2 wrote. It is read where it lies, packed or unpacked: nothing is
downloaded or written. mmpretrain's classes ``CIFAR10`` and ``CIFAR100`` tell
names, checksums and classes.
"""

import gzip
import hashlib
import io
import os.path as osp
import tarfile
import zlib
from typing import IO, Any, cast

import numpy as np
from mmengine.fileio import exists, get, join_path

from mcmi_plugin.datasets.cifar_pickle import Pixels, load_batch
from mcmi_plugin.errors import UserError, one_line

_IMAGE = (3, 32, 32)


def find_source(kind: type[Any], root: str, split: str, key: str) -> str:
    """The folder or the archive that a split is read from.

    Args:
        kind: mmpretrain's class ``CIFAR10`` or ``CIFAR100``.
        root: the folder that holds the archive or what was unpacked from it.
        split: ``'train'`` or ``'test'``.
        key: the config key that ``root`` stands under, for the error.

    Raises:
        UserError: neither is there.
    """
    root = osp.expanduser(root)
    folder = join_path(root, kind.base_folder)
    archive = join_path(root, kind.filename)
    paths = [join_path(folder, name) for name, _ in _batches(kind, split)]
    missing = [path for path in paths if not exists(path)]
    if not missing:
        return folder
    if exists(archive):
        return archive
    raise UserError(
        f'{key}: there is neither {osp.abspath(archive)} nor '
        f'{osp.abspath(missing[0])}; put the archive there as it is ({kind.url}) or '
        f'name another folder: --cfg-options {key}=DIR'
    )


def read_split(
    kind: type[Any], root: str, split: str, key: str
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one split; arguments as for :func:`find_source`.

    A file of as many images as the official one must be the official one, by its
    MD5; any other number is a selection of the user's own in the same form.

    Returns:
        uint8 RGB images [N, 32, 32, 3] and int64 labels [N], CIFAR-100's fine
        ones.

    Raises:
        UserError: a file is missing, damaged, of another form, or asks for code
            to be run.
    """
    source = find_source(kind, root, split, key)
    batches = _batches(kind, split)
    try:
        contents = _read(source, kind, [name for name, _ in batches])
    # zlib's error is no OSError; AttributeError: a folder where a file should be.
    except (OSError, EOFError, zlib.error, tarfile.TarError, AttributeError) as error:
        raise UserError(_not_usable(source, error, kind)) from error
    images, labels = [], []
    for (name, md5), content in zip(batches, contents, strict=True):
        try:
            batch_images, batch_labels = _decode(content, len(kind.METAINFO['classes']))
            if len(batch_labels) == _official_number(name):
                _check_md5(content, md5)
        except ValueError as error:
            raise UserError(_not_usable(f'{source}: {name}', error, kind)) from error
        images.append(batch_images)
        labels.append(batch_labels)
    return np.concatenate(images), np.concatenate(labels)


_MOST = 2**30  # the official archives unpack to less than a fifth of it


def _batches(kind: type[Any], split: str) -> list[list[str]]:
    return kind.train_list if split == 'train' else kind.test_list


def _read(source: str, kind: type[Any], names: list[str]) -> list[bytes]:
    if osp.basename(source) == kind.base_folder:
        return [get(join_path(source, name)) for name in names]
    # To the end, where its checksum is; tarfile would stop before.
    with gzip.open(io.BytesIO(get(source))) as stream:
        unzipped = stream.read(_MOST + 1)
    if len(unzipped) > _MOST:
        raise tarfile.TarError('it unpacks to more than 1 GB, which CIFAR does not')
    with tarfile.open(fileobj=io.BytesIO(unzipped), mode='r:') as archive:
        try:
            return [
                cast(IO, archive.extractfile(f'{kind.base_folder}/{name}')).read()
                for name in names
            ]
        except KeyError as error:
            raise tarfile.TarError(error.args[0]) from error


def _decode(content: bytes, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """One batch; ValueError says what is wrong with it."""
    batch = load_batch(content)
    labels = batch.get('fine_labels', batch.get('labels'))
    pixels = batch.get('data')
    if not isinstance(pixels, Pixels) or not isinstance(labels, list):
        raise ValueError("it has no 'data' and 'labels' or 'fine_labels'")
    flat = pixels.as_array()
    if flat.shape != (len(labels), np.prod(_IMAGE)):
        raise ValueError(f'{flat.shape} pixels for {len(labels)} labels')
    if not all(type(label) is int and 0 <= label < num_classes for label in labels):
        raise ValueError(f'labels are not all from 0 to {num_classes - 1}')
    images = flat.reshape(-1, *_IMAGE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, np.int64)


def _official_number(name: str) -> int:
    return 50_000 if name == 'train' else 10_000  # CIFAR-100's; all other files'


def _check_md5(content: bytes, expected: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise ValueError(f'its MD5 is {found}, the official file has {expected}')


def _not_usable(what: str, error: Exception, kind: type[Any]) -> str:
    return (
        f'{what}: no {kind.__name__} data ({one_line(error)}); copy or download it '
        f'again: {kind.url}'
    )
