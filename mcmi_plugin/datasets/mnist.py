"""MNIST and Fashion-MNIST as they are published: offline, packed or not.

Four files of the IDX format, images and labels of both splits, each as it is or as
``.gz``. They are read where they lie: nothing is downloaded, unpacked or written.
mmpretrain's classes ``MNIST`` and ``FashionMNIST`` tell names and classes. A ``.gz``
has a checksum of its own; the MD5 of the authors' files says nothing about one that
was packed again, as Debian's are.
"""

import gzip
import io
import os.path as osp
import zlib
from typing import Any
from urllib.parse import urljoin

import numpy as np
from mmengine.fileio import exists, get, join_path

from mcmi_plugin.errors import UserError, one_line

_MOST = 2**30  # the official files unpack to a twentieth of it
_UINT8 = 8  # IDX's number of the type


def find_source(kind: type[Any], root: str, split: str, key: str) -> list[str]:
    """The files of images and of labels that a split is read from.

    They lie in ``root``, or below it in ``raw`` or ``FashionMNIST/raw``, where
    torchvision puts them.

    Args:
        kind: mmpretrain's class ``MNIST`` or ``FashionMNIST``.
        root: the folder.
        split: ``'train'`` or ``'test'``.
        key: the config key that ``root`` stands under, for the error.

    Raises:
        UserError: one of the two is missing.
    """
    root = osp.expanduser(root)
    packed = [n for n, _ in (kind.train_list if split == 'train' else kind.test_list)]
    for folder in (
        root,
        join_path(root, 'raw'),
        join_path(root, kind.__name__, 'raw'),
    ):
        found = [_packed_or_not(join_path(folder, name)) for name in packed]
        if all(found):
            return [path for path in found if path]
    missing = [n for n in packed if not _packed_or_not(join_path(root, n))]
    raise UserError(
        f'{key}: there is no {osp.abspath(join_path(root, missing[0]))}, packed or '
        f'not; put it there ({urljoin(kind.url_prefix, missing[0])}) or name another '
        f'folder: --cfg-options {key}=DIR'
    )


def read_split(
    kind: type[Any], root: str, split: str, key: str
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one split; arguments as for :func:`find_source`.

    Returns:
        uint8 grey images [N, H, W] and int64 labels [N].

    Raises:
        UserError: a file is missing, damaged or of another form.
    """
    paths = find_source(kind, root, split, key)
    images, labels = (
        _read(path, ndim) for path, ndim in zip(paths, (3, 1), strict=True)
    )
    if len(images) != len(labels):
        raise UserError(
            f'{paths[1]}: {len(labels)} labels for the {len(images)} images in '
            f'{paths[0]}; copy or download both again'
        )
    num_classes = len(kind.METAINFO['classes'])
    if len(labels) and labels.max() >= num_classes:
        raise UserError(
            f'{paths[1]}: label {labels.max()} is not in [0, {num_classes}); copy or '
            'download it again'
        )
    return images, labels.astype(np.int64)


def _packed_or_not(path: str) -> str | None:
    return next((p for p in (path.removesuffix('.gz'), path) if exists(p)), None)


def _read(path: str, ndim: int) -> np.ndarray:
    """The uint8 array of an IDX file: zero, zero, type, ndim, sizes, values."""
    try:
        content = bytes(get(path))
        if path.endswith('.gz'):
            with gzip.open(io.BytesIO(content)) as stream:
                content = stream.read(_MOST + 1)
        if content[:4] != bytes([0, 0, _UINT8, ndim]):
            raise ValueError(f'it is no IDX file of {ndim} dimensions of bytes')
        start = 4 + 4 * ndim
        shape = np.frombuffer(content[4:start], '>u4').astype(int)
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UserError(
            f'{path}: no data ({one_line(error)}); copy or download it again'
        ) from error
