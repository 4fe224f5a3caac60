"""What a data set holds, as a hash: the data's part in a teacher's recipe.

Labels, file names and file sizes, in order; the pixels where they are in memory
already. No picture is opened, and no folder is named, so that a data set that is
moved as it is stays the same, and one that has changed in its place does not.
"""

import hashlib
import os
import os.path as osp
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from mmengine.runner.runner import _SlicedDataset

from mcmi_plugin import datasets
from mcmi_plugin.log import log_warning
from mcmi_plugin.provenance import fingerprint

# Made of their config and of nothing else; then so is what ours wrap around them.
_EMBEDDED = (datasets.Digits, datasets.SyntheticGaussian)
_WRAPPERS = (
    datasets.KeepClasses,
    datasets.DropClasses,
    datasets.MergeClasses,
    datasets.ClassFraction,
    datasets.HoldOut,
    datasets.PseudoLabelled,
)
# Where data lie, and a choice among them that is kept in a file.
PATHS = ('data_root', 'data_prefix', 'ann_file', 'index_file')
# A position, and the random negatives of MMRazor's CRDDataset.
_NO_CONTENT = ('sample_idx', 'contrast_sample_idxs')
_CHUNK = 4096
_THREADS = 16  # a network disk answers one question after another slowly


class Content(NamedTuple):
    """What a data set holds.

    Attributes:
        num_samples: how many.
        digest: hash of what they are; None where the config says it all, and where
            nothing can be known.
    """

    num_samples: int
    digest: str | None


_known: weakref.WeakKeyDictionary[Any, Content] = weakref.WeakKeyDictionary()


def content_of(dataset: Any, config: dict) -> Content:
    """What a data set holds; taken once.

    Raises:
        UserError: of the data set itself, for example a sample without a label.
    """
    if isinstance(dataset, _SlicedDataset):  # of num_batch_per_epoch
        dataset = dataset._dataset
    if dataset not in _known:
        _known[dataset] = _taken(dataset, config)
    return _known[dataset]


def _taken(dataset: Any, config: dict) -> Content:
    if is_embedded(dataset) and without_paths(config) == config:
        return Content(len(dataset), None)
    if not hasattr(dataset, 'get_data_info'):
        log_warning(
            f'{type(dataset).__name__} has no get_data_info, so the recipe of its '
            'teacher tells where the data lie and how many they are, not what they are'
        )
        return Content(len(dataset), fingerprint(_places(config)))
    return Content(len(dataset), digest_of(dataset))


def is_embedded(dataset: Any) -> bool:
    """Whether nothing but a config decides what a data set holds."""
    while type(dataset) in _WRAPPERS:
        dataset = dataset.dataset
    return type(dataset) in _EMBEDDED


def without_paths(config: dict) -> dict:
    """A data set's config without where its data lie."""
    kept = {}
    for key, value in config.items():
        if key in PATHS or (key == 'classes' and isinstance(value, str)):
            continue
        if key == 'dataset':
            value = without_paths(value)
        elif key == 'datasets':
            value = [without_paths(part) for part in value]
        kept[key] = value
    return kept


def _places(config: dict) -> dict:
    """Where the data of a config lie, as seen from anywhere."""
    places: dict[str, list] = {}
    for key, value in config.items():
        if key in ('dataset', 'datasets'):
            parts = value if key == 'datasets' else [value]
            places[key] = [_places(part) for part in parts]
        elif key in PATHS:
            named = value.values() if isinstance(value, dict) else [value]
            places[key] = [osp.realpath(osp.expanduser(str(v))) for v in named]
    return places


def digest_of(dataset: Any) -> str:
    """Hash of what every sample of a data set with ``get_data_info`` is."""
    roots = tuple(sorted(set(_roots(dataset)), key=len, reverse=True))
    digest = hashlib.sha256()
    samples = map(dataset.get_data_info, range(len(dataset)))
    with ThreadPoolExecutor(_THREADS) as pool:
        while chunk := list(islice(samples, _CHUNK)):
            paths = [
                value
                for info in chunk
                for key, value in info.items()
                if key.endswith('path') and isinstance(value, str)
            ]
            parts = [paths[start::_THREADS] for start in range(_THREADS)]
            sizes: dict[str, int | str] = {}
            for part, found in zip(parts, pool.map(_sizes, parts), strict=True):
                sizes.update(zip(part, found, strict=True))
            for info in chunk:
                for key in sorted(info):
                    if key not in _NO_CONTENT:
                        digest.update(_bytes(key, info[key], roots, sizes))
                digest.update(b'\n')
    return digest.hexdigest()


def _bytes(key: str, value: Any, roots: tuple, sizes: dict) -> bytes:
    """What of an entry of a sample counts."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        size = sizes.get(value, '')
        if value.startswith(roots):
            root = next(root for root in roots if value.startswith(root))
            value = value[len(root) :]
        # Names on old disks may be of no encoding at all.
        return f'{key}={value} {size};'.encode('utf-8', 'surrogateescape')
    if isinstance(value, (int, float, type(None))):
        return f'{key}={value};'.encode()
    if isinstance(value, (bytes, bytearray)):
        return f'{key} {len(value)};'.encode() + value
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        inner = sorted(value, key=str)
        return b''.join(_bytes(f'{key}.{k}', value[k], roots, sizes) for k in inner)
    if hasattr(value, '__array__'):  # NumPy's, torch's, PIL's
        array = np.ascontiguousarray(value)
        if array.dtype.hasobject:  # its bytes are addresses
            return _bytes(key, array.tolist(), roots, sizes)
        return f'{key} {array.dtype} {array.shape};'.encode() + array.tobytes()
    return b''  # an object that nothing is known of


def _sizes(paths: list[str]) -> list[int | str]:
    return [_size(path) for path in paths]


def _size(path: str) -> int | str:
    """Bytes of a file; '' where there is none to be asked, as in an object store."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return ''


def _roots(dataset: Any) -> Iterator[str]:
    """The folders that the file names of a data set begin with."""
    inner = [getattr(dataset, 'dataset', None), *getattr(dataset, 'datasets', ())]
    for part in inner:
        if part is not None:
            yield from _roots(part)
    prefixes = getattr(dataset, 'data_prefix', None)
    places = [*prefixes.values()] if isinstance(prefixes, dict) else [prefixes]
    for place in (getattr(dataset, 'data_root', None), *places):
        if isinstance(place, (str, os.PathLike)) and str(place):
            yield str(place).rstrip('/') + '/'
