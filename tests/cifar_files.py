"""Small CIFAR-10 and CIFAR-100 data in the exact form of the official files.

Byte strings, the module names of numpy 1 and pickle protocol 2, as Python 2
wrote them; the images are random.
"""

import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np


class Python2Pickler(pickle._Pickler):
    """Writes every string as Python 2's ``str``, and numpy by its old names."""

    dispatch = dict(pickle._Pickler.dispatch)

    def __init__(self, file) -> None:
        super().__init__(file, protocol=2)

    def save_string(self, text: str | bytes) -> None:
        content = text.encode('latin1') if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack('<i', len(content)) + content)
        self.memoize(text)

    def save_global(self, obj, name=None) -> None:
        if getattr(obj, '__name__', '') == '_reconstruct':
            self.write(pickle.GLOBAL + b'numpy.core.multiarray\n_reconstruct\n')
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch[str] = dispatch[bytes] = save_string


def python2_pickle(value: dict) -> bytes:
    """What Python 2's ``cPickle.dumps(value, 2)`` gave."""
    stream = io.BytesIO()
    Python2Pickler(stream).dump(value)
    return stream.getvalue()


def cifar_batch(labels: list[int], label_key: str, seed: int = 0) -> dict:
    """One batch of random images, unpickled."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072))
    return {
        'data': pixels.astype(np.uint8),
        'filenames': [f'{i}.png' for i in range(len(labels))],
        'batch_label': 'a batch',
        label_key: labels,
    }


def write_cifar10(
    folder: Path, num_train: int = 20, num_test: int = 10, archive: bool = True
) -> None:
    """Write ``cifar-10-python.tar.gz``, or what is in it, into ``folder``.

    Labels go round; ``num_train`` is spread over five batches.
    """
    batches = {
        f'data_batch_{i + 1}': cifar_batch(
            [n % 10 for n in range(i, num_train, 5)], 'labels', seed=i
        )
        for i in range(5)
    }
    batches['test_batch'] = cifar_batch(
        [n % 10 for n in range(num_test)], 'labels', seed=5
    )
    write_batches(folder, 'cifar-10-batches-py', 'cifar-10', batches, archive)


def write_cifar100(
    folder: Path, num_train: int = 200, num_test: int = 100, archive: bool = True
) -> None:
    """Write ``cifar-100-python.tar.gz``, or what is in it, into ``folder``.

    Fine labels go round, so that 100 images have one of each.
    """
    batches = {}
    for seed, (name, number) in enumerate(
        {'train': num_train, 'test': num_test}.items()
    ):
        batch = cifar_batch([n % 100 for n in range(number)], 'fine_labels', seed)
        batches[name] = {**batch, 'coarse_labels': [n % 20 for n in range(number)]}
    write_batches(folder, 'cifar-100-python', 'cifar-100', batches, archive)


def write_batches(
    folder: Path, base: str, name: str, batches: dict[str, dict], archive: bool
) -> None:
    files = {name: python2_pickle(batch) for name, batch in batches.items()}
    write_files(folder, base, name, files, archive)


def write_files(
    folder: Path, base: str, name: str, files: dict[str, bytes], archive: bool
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not archive:
        (folder / base).mkdir()
        for file, content in files.items():
            (folder / base / file).write_bytes(content)
        return
    with tarfile.open(folder / f'{name}-python.tar.gz', 'w:gz') as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(f'{base}/{file}')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
