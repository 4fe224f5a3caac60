"""Rows of numbers as records of bytes that tell whether they are whole."""

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPES = ('float16', 'float32', 'int8')
_FORMATS = dict(float16='<f2', float32='<f4', int8='i1')
_ALIGNED = 8


class Records:
    """How rows [D] lie in a file: the numbers, of int8 their scale, and a check.

    The check is a sum of all words of the record, each with a factor of its own, that
    depends on the identity of the store and on the number of the row as well; it is
    never 0. So a hole in the file is a row that is absent, and a row that was written
    by halves, damaged, moved, or is of another store is told from a whole one. It
    stands behind the numbers. It is no signature: whoever can write into the folder
    can write a false row with its check.

    Args:
        width: D.
        dtype: ``'float16'``, ``'float32'`` or ``'int8'`` (with a scale per row).
        identity: of the store, as text.

    Attributes:
        nbytes: of one record.
    """

    def __init__(self, width: int, dtype: str, identity: str) -> None:
        self.width, self.dtype = width, dtype
        numbers = np.dtype((_FORMATS[dtype], (width,)))
        fields: list[tuple[str, Any]] = [('numbers', numbers)]
        if dtype == 'int8':
            fields.insert(0, ('scale', '<f4'))
        filled = sum(np.dtype(kind).itemsize for _, kind in fields)
        fields.append(('', f'V{-filled % _ALIGNED}'))
        fields.append(('check', '<u8'))
        self._record = np.dtype([field for field in fields if field[1] != 'V0'])
        self.nbytes = self._record.itemsize
        words = self.nbytes // _ALIGNED - 1
        seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:16], 'little')
        drawn = np.random.SeedSequence(seed).generate_state(2 * words + 2, np.uint64)
        self._masks, self._factors = drawn[:words], drawn[words : 2 * words] | 1
        self._of_row = drawn[-2:] | 1

    def encode(self, values: Tensor, rows: Tensor) -> np.ndarray:
        """[B, D] and the numbers [B] of their rows -> [B, nbytes] uint8."""
        numbers, scale = self._narrowed(values.cpu())
        records = np.zeros(len(numbers), self._record)
        records['numbers'] = numbers.numpy()
        if self.dtype == 'int8':
            records['scale'] = scale[:, 0].numpy()
        records['check'] = self._checks(records, rows)
        return records.view(np.uint8).reshape(len(records), self.nbytes)

    def decode(self, data: np.ndarray, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The other way.

        Returns:
            Values [B, D] float32, which mean nothing where a row is not whole; which
            are whole, and which are neither whole nor absent, [B] bool each.
        """
        records = np.ascontiguousarray(data).reshape(-1).view(self._record)
        whole = records['check'] == self._checks(records, rows)
        damaged = ~whole & (records['check'] != 0)
        values = records['numbers'].astype(np.float32)
        if self.dtype == 'int8':
            values *= records['scale'][:, None]
        read, *flags = map(torch.from_numpy, (values, whole, damaged))
        return read, flags[0], flags[1]

    def rounded(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """[B, D] as it would be read back, and which rows can be kept, [B] bool.

        A number that is not finite, or too large for float16, cannot. Both are where
        the values are.
        """
        numbers, scale = self._narrowed(values)
        read = numbers.float() * scale
        return read, read.isfinite().all(1)

    def _narrowed(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """The numbers of a record, and what they are multiplied with, [B, 1]."""
        values = values.detach().float()
        scale = values.new_ones(len(values), 1)
        if self.dtype == 'float16':
            values = values.half()
        elif self.dtype == 'int8':
            # By a tensor: by a number, a GPU multiplies with its inverse.
            scale = values.abs().amax(1, keepdim=True) / (127 * scale)
            values = (values / scale).round().nan_to_num().to(torch.int8)
        return values, scale

    def _checks(self, records: np.ndarray, rows: Tensor) -> np.ndarray:
        words = records.view(np.uint64).reshape(len(records), -1)[:, :-1]
        mixed = (words ^ self._masks) * self._factors
        mixed ^= mixed >> np.uint64(29)
        row = rows.cpu().numpy().astype(np.uint64)
        total = mixed.sum(1, dtype=np.uint64) + (row + self._of_row[0]) * np.uint64(
            0x9E3779B97F4A7C15
        )
        total = (total ^ (total >> np.uint64(32))) * self._of_row[1]
        return (total ^ (total >> np.uint64(29))) | np.uint64(1)
