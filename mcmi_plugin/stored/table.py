"""A table [image, view] of rows in one file that many processes fill at once."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_warning
from mcmi_plugin.stored.records import Records

_CHUNK = 2**24  # bytes that are looked at together


class Table:
    """Rows [D] by image and view, kept in a file that has its full size from the start.

    It is read by a memory map. It is written by ``pwrite``, where a full disk is an
    error and not the end of the process, record by record with the check last; so
    whatever is killed leaves rows that are whole or count as absent. No order between
    two writes is trusted in, nor any lock: all who write a row write the same, and one
    that two have written by halves is told by its check. One that can only be read
    counts as full.

    Args:
        path: of the file, which exists.
        records: how a row lies in it.
        num_images: N.
        num_views: of each image.
        near: how far a row may be from what its teacher gives now, relative to the
            largest number in it.

    Raises:
        UserError: the file has not that size.
    """

    def __init__(
        self,
        path: Path,
        records: Records,
        num_images: int,
        num_views: int,
        near: float,
    ) -> None:
        self.path, self.records, self.near = path, records, near
        self.num_images, self.num_views = num_images, num_views
        size = path.stat().st_size if path.is_file() else 0
        if size != self.nbytes:
            raise UserError(
                f'{path} has {size} bytes, not {self.nbytes}: it was cut off, or is '
                f'none of this store; remove the folder {path.parent}'
            )
        self._file: int | None = None  # opened where there is something to write
        shape = (self.num_rows, records.nbytes)
        try:
            self._map = np.memmap(path, np.uint8, 'r', shape=shape)
        except OSError as error:  # of a file system that has none
            raise UserError(
                f'{path} cannot be mapped into memory ({error.strerror}); name a '
                'folder on another disk: teacher_store.dir=DIR'
            ) from error
        self.is_full = False  # the disk
        self.damaged = 0

    @property
    def num_rows(self) -> int:
        """Of the file, whether they are there or not."""
        return self.num_images * self.num_views

    @property
    def nbytes(self) -> int:
        """Of the file."""
        return self.num_rows * self.records.nbytes

    def __del__(self) -> None:
        file = getattr(self, '_file', None)
        if file is not None:
            os.close(file)

    def rows(self, images: Tensor, views: Tensor) -> tuple[Tensor, Tensor]:
        """[B, D] float32, and [B] bool: which of them are there.

        Args:
            images: [B] int64, below N.
            views: [B] int64, below ``num_views``.
        """
        numbers = images * self.num_views + views
        for _ in range(2):
            data = self._map[numbers.numpy()]
            values, whole, damaged = self.records.decode(data, numbers)
            if not damaged.any():
                break
        else:  # not only caught while another process wrote it
            if not self.damaged:
                log_warning(
                    f'{self.path} has rows that are damaged or of another store; they '
                    'are not read, and the teacher is asked for them anew'
                )
            self.damaged += int(damaged.sum())
        return values, whole

    def write(self, images: Tensor, views: Tensor, values: Tensor) -> None:
        """Keep rows.

        Args:
            images, views: as for :meth:`rows`.
            values: [B, D], finite.
        """
        if self.is_full:
            return
        numbers = images * self.num_views + views
        data = self.records.encode(values, numbers)
        nbytes = self.records.nbytes
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR)
            for number, record in zip(numbers.tolist(), data, strict=True):
                if os.pwrite(self._file, record, number * nbytes) < nbytes:
                    raise OSError(28, 'No space left on device')
        except OSError as error:
            self.is_full = True
            log_warning(
                f'{self.path} takes no more rows ({error.strerror}); those that it has '
                'are used, the teacher is asked for the others: make room, or name '
                'another folder: teacher_store.dir=DIR'
            )

    def flush(self) -> None:
        """Rows so far outlast a loss of power, too."""
        if self._file is None:
            return
        try:
            os.fsync(self._file)
        except OSError:  # a disk that is full, or a file system that cannot
            self.is_full = True

    def present(
        self, rank: int = 0, world_size: int = 1
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Which rows are there, a part of the table at a time.

        Args:
            rank: of the process, which gets its share of the parts.
            world_size: how many share them.

        Yields:
            First number of the part, values [R, D] float32, and [R] bool: which of
            them are there. Of a part without any there are no values, [0, D].
        """
        step = max(1, _CHUNK // self.records.nbytes)
        for start in range(0, len(self._map), step)[rank::world_size]:
            numbers = torch.arange(start, min(start + step, len(self._map)))
            data = self._map[start : start + step]
            if not data.any():
                none = torch.zeros(0, self.records.width)
                yield start, none, torch.zeros(len(numbers), dtype=torch.bool)
                continue
            values, whole, _ = self.records.decode(data, numbers)
            yield start, values, whole

    def compared(self, numbers: Tensor, live: Tensor) -> tuple[int, float]:
        """Rows that are there, and what their teacher gives now.

        Args:
            numbers: [R] of rows.
            live: [R, D].

        Returns:
            How many are there, and how far the farthest of them is, relative to the
            largest number in it.

        Raises:
            UserError: it is another teacher.
        """
        kept, there = self.rows(numbers // self.num_views, numbers % self.num_views)
        live = live.float().cpu()
        far = (kept - live).abs().amax(1) / live.abs().amax(1).clamp(min=1e-6)
        largest = float(far[there].max()) if there.any() else 0.0
        if largest > self.near:
            raise UserError(
                f'{self.path} is not of this teacher: a row differs by {largest:.2g} '
                f'of its largest number; remove the folder {self.path.parent}'
            )
        return int(there.sum()), largest

    def count(self) -> int:
        """How many rows are there."""
        return sum(int(whole.sum()) for _, _, whole in self.present())
