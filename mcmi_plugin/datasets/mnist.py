"""MNIST and Fashion-MNIST as they are published: offline, packed or not.

Four files of the IDX format, images and labels of both splits, each as it is or as
``.gz``. They are read where they lie: nothing is downloaded, unpacked or written.
mmpretrain's classes ``MNIST`` and ``FashionMNIST`` tell names and classes. A ``.gz``
has a checksum of its own; the MD5 of the authors' files says nothing about one that
was packed again, as Debian's are.
"""

import os.path as osp
from typing import Any
from urllib.parse import urljoin

import numpy as np
from mmengine.fileio import exists, get, join_path

from mcmi_plugin.datasets.packed import UNREADABLE, not_usable, unzipped
from mcmi_plugin.errors import UserError

_UINT8 = 8  # IDX's number of the type


def find_source(dataset: Any, key: str) -> list[str]:
    """The files of images and of labels that a data set is read from.

    They lie in its folder, or below it in ``raw`` or ``FashionMNIST/raw``, where
    torchvision puts them.

    Args:
        dataset: mmpretrain's ``MNIST`` or ``FashionMNIST``, nothing loaded.
        key: the config key that its folder stands under, for the error.

    Raises:
        UserError: one of the two is missing.
    """
    root = osp.expanduser(dataset.data_prefix['root'])
    is_train = dataset.split == 'train'
    packed = [n for n, _ in (dataset.train_list if is_train else dataset.test_list)]
    for below in ((), ('raw',), (type(dataset).__name__, 'raw')):
        found = [_packed_or_not(join_path(root, *below, name)) for name in packed]
        if all(found):
            return [path for path in found if path]
    missing = next(n for n in packed if not _packed_or_not(join_path(root, n)))
    raise UserError(
        f'{key}: there is no {osp.abspath(join_path(root, missing))}, packed or '
        f'not; put it there ({urljoin(dataset.url_prefix, missing)}) or name another '
        f'folder: --cfg-options {key}=DIR'
    )


def read_split(dataset: Any, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels; arguments as for :func:`find_source`.

    Returns:
        uint8 grey images [N, H, W] and int64 labels [N].

    Raises:
        UserError: a file is missing, damaged or of another form.
    """
    files = dict(zip((3, 1), find_source(dataset, key), strict=True))
    arrays = {}
    for ndim, path in files.items():
        try:
            arrays[ndim] = _read(path, ndim)
            if ndim == 1:
                _check(arrays[3], arrays[1], len(dataset.METAINFO['classes']))
        except UNREADABLE as error:
            raise not_usable(path, error, dataset.url_prefix) from error
    return arrays[3], arrays[1].astype(np.int64)


def _packed_or_not(path: str) -> str | None:
    return next((p for p in (path.removesuffix('.gz'), path) if exists(p)), None)


def _read(path: str, ndim: int) -> np.ndarray:
    """The uint8 array of an IDX file: zero, zero, type, ndim, sizes, values."""
    content = bytes(get(path))
    if path.endswith('.gz'):
        content = unzipped(content)
    if content[:4] != bytes([0, 0, _UINT8, ndim]):
        raise ValueError(f'it is no IDX file of {ndim} dimensions of bytes')
    start = 4 + 4 * ndim
    shape = np.frombuffer(content[4:start], '>u4').astype(int)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _check(images: np.ndarray, labels: np.ndarray, num_classes: int) -> None:
    if len(images) != len(labels):
        raise ValueError(f'{len(labels)} labels for the {len(images)} images beside it')
    if len(labels) and labels.max() >= num_classes:
        raise ValueError(f'label {labels.max()} is not in [0, {num_classes})')
