"""Unpickle one batch of CIFAR without running what a file asks for.

A pickle may name any function and have it called. These name a few of numpy's, for
one array of bytes; stand-ins of ours, which only keep what they are given,
answer in their place, and every other name is refused. The array is then made
from its bytes, so that numpy's own unpickling sees nothing of a forged file.
"""

import io
import pickle
from typing import Any, Literal

import numpy as np

from mcmi_plugin.errors import one_line


class Pixels:
    """Stands in for a numpy array; made empty, filled by its state."""

    def __init__(self, *args: Any) -> None:
        self._state: Any = None

    def __setstate__(self, state: tuple) -> None:
        self._state = state

    def as_array(self) -> np.ndarray:
        """The pixels, uint8 [N, M].

        Raises:
            ValueError: they are of another type, or not as many as the shape says.
        """
        try:
            _, shape, dtype, in_fortran_order, content = self._state
            if isinstance(content, str):  # Python 2 had no bytes
                content = content.encode('latin1')
            if dtype.name != 'u1' or len(shape) != 2:
                raise ValueError
            order: Literal['F', 'C'] = 'F' if in_fortran_order else 'C'
            return np.frombuffer(content, np.uint8).reshape(shape, order=order)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError('its pixels are no whole uint8 [N, M]') from error


class PixelsOfBuffer(Pixels):
    """The same, made full: so Python 3.14 pickles an array, by protocol 5."""

    def __init__(self, content: Any, dtype: Any, shape: Any, order: Any) -> None:
        if order not in ('C', 'F'):
            raise ValueError(f'the order of its pixels is {order!r}')
        self._state = (1, shape, dtype, order == 'F', content)


class _Dtype:
    """Stands in for a numpy dtype: its name and nothing else."""

    def __init__(self, name: Any = None, *args: Any) -> None:
        self.name = name

    def __setstate__(self, state: tuple) -> None:
        """Byte order and the like, which single bytes do not have."""


# numpy 2 has another name for the module.
_STAND_INS = {
    ('numpy.core.multiarray', '_reconstruct'): Pixels,
    ('numpy._core.multiarray', '_reconstruct'): Pixels,
    ('numpy.core.numeric', '_frombuffer'): PixelsOfBuffer,
    ('numpy._core.numeric', '_frombuffer'): PixelsOfBuffer,
    ('numpy', 'ndarray'): Pixels,
    ('numpy', 'dtype'): _Dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        raise ValueError(f'refused: it asks for {module}.{name} and could run code')


def load_batch(content: bytes) -> dict[str, Any]:
    """The dictionary of one batch; its array is a :class:`Pixels`.

    Args:
        content: of a file, as Python 2 or 3 pickled it.

    Raises:
        ValueError: it is not a pickled dictionary, is damaged, or asks for more
            than an array.
    """
    try:
        batch = _Unpickler(io.BytesIO(content), encoding='latin1').load()
    except Exception as error:  # damage has no one class of its own
        raise ValueError(one_line(error)) from error
    if not isinstance(batch, dict):
        raise ValueError('it is not a dictionary')
    return batch
