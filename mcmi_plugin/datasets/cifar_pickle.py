"""Unpickle one batch of CIFAR without running what a file asks for.

A pickle may name any function and have it called. These name a few of numpy's, for
arrays and numbers of whole numbers, and one for bytes; stand-ins of ours, which only
keep what they are given, answer in their place, and every other name is refused. An
array is then made from its bytes, so that numpy's own unpickling sees nothing of a
forged file.
"""

import io
import pickle
from typing import Any, Literal

import numpy as np

from mcmi_plugin.errors import one_line

_WHOLE = [f'{sign}{size}' for sign in 'iu' for size in (1, 2, 4, 8)]


class _Array:
    """Stands in for a numpy array; made empty, filled by its state."""

    def __init__(self, *args: Any) -> None:
        self._state: Any = None

    def __setstate__(self, state: tuple) -> None:
        self._state = state

    def as_array(self) -> np.ndarray:
        """The same of numpy.

        Raises:
            ValueError: not of whole numbers, or not as many as the shape says.
        """
        try:
            _, shape, dtype, in_fortran_order, content = self._state
            if isinstance(content, str):  # Python 2 had no bytes
                content = content.encode('latin1')
            if dtype.name not in _WHOLE:
                raise ValueError
            order: Literal['F', 'C'] = 'F' if in_fortran_order else 'C'
            kind = ('>' if dtype.order == '>' else '<') + dtype.name
            return np.frombuffer(content, kind).reshape(shape, order=order)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                'an array in it is no whole one of integers, such as uint8'
            ) from error


class _ArrayOfBuffer(_Array):
    """The same, made full: so Python 3.14 pickles an array, by protocol 5."""

    def __init__(self, content: Any, dtype: Any, shape: Any, order: Any) -> None:
        if order not in ('C', 'F'):
            raise ValueError(f'the order of its pixels is {order!r}')
        self._state = (1, shape, dtype, order == 'F', content)


class _Number(_Array):
    """Stands in for one number of numpy's."""

    def __init__(self, dtype: Any, content: Any) -> None:
        self._state = (1, (), dtype, False, content)


class _Dtype:
    """Stands in for a numpy dtype: its name and the order of its bytes."""

    def __init__(self, name: Any = None, *args: Any) -> None:
        self.name, self.order = name, '|'

    def __setstate__(self, state: tuple) -> None:
        self.order = state[1]


class _Bytes(bytes):
    """Bytes as Python 3 pickles them by a protocol that has none, below 3."""

    def __new__(cls, text: str = '', encoding: str = 'latin1') -> '_Bytes':
        return super().__new__(cls, text, 'latin1')

    def __setstate__(self, state: tuple) -> None:
        """Nothing: they have no state, and take none."""


_STAND_INS: dict[tuple[str, str], type] = {
    ('numpy', 'ndarray'): _Array,
    ('numpy', 'dtype'): _Dtype,
    ('_codecs', 'encode'): _Bytes,
    ('__builtin__', 'bytes'): _Bytes,
}
for _core in ('numpy.core', 'numpy._core'):  # of numpy 1 and 2
    _STAND_INS[f'{_core}.multiarray', '_reconstruct'] = _Array
    _STAND_INS[f'{_core}.multiarray', 'scalar'] = _Number
    _STAND_INS[f'{_core}.numeric', '_frombuffer'] = _ArrayOfBuffer


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        raise ValueError(f'refused: it asks for {module}.{name} and could run code')


def load_batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, uint8 [N, M], and labels, int64 [K], the fine ones if there are two.

    Args:
        content: of a file, as Python 2 or 3 pickled it by any protocol.

    Raises:
        ValueError: it is not a pickled dictionary of them, is damaged, or asks for
            more than arrays.
    """
    try:
        batch = _Unpickler(io.BytesIO(content), encoding='latin1').load()
    except Exception as error:  # damage has no one class of its own
        raise ValueError(one_line(error)) from error
    if not isinstance(batch, dict):
        raise ValueError('it is not a dictionary')
    # Bytes are the keys of who has read the official file with encoding='bytes'.
    named = {k.decode('latin1') if isinstance(k, bytes) else k: batch[k] for k in batch}
    pixels = named.get('data')
    labels = named.get('fine_labels', named.get('labels'))
    if not isinstance(pixels, _Array) or not isinstance(labels, (list, _Array)):
        raise ValueError("it has no 'data' and 'labels' or 'fine_labels'")
    flat = pixels.as_array()
    if flat.dtype != np.uint8 or flat.ndim != 2:
        raise ValueError('its pixels are no whole uint8 [N, M]')
    return flat, _class_ids(labels)


def _class_ids(labels: Any) -> np.ndarray:
    if isinstance(labels, _Array):
        labels = labels.as_array().tolist()
    plain = [x.as_array().tolist() if isinstance(x, _Array) else x for x in labels]
    if not all(type(label) is int for label in plain):
        raise ValueError('its labels are not whole numbers, one a sample')
    return np.array(plain, np.int64)
