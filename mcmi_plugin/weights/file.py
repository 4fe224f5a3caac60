"""Read a checkpoint file without running code that it brings along."""

import io
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.whole_file import whole_file

_SAVED_BY_TORCH = (b'PK\x03\x04', b'\x80')  # zip archive, bare pickle


def load_checkpoint_file(
    path: str | os.PathLike, map_location: Any = 'cpu'
) -> dict[str, Any]:
    """Read a checkpoint file; the one place of this project that does.

    Args:
        path: a local file, as ``torch.save``, mmengine or safetensors wrote it.

    Returns:
        The dictionary that the file holds.

    Raises:
        UserError: one line with the file and the remedy, if the file is missing,
            is no checkpoint, is damaged, or asks for more than weights (and so
            for code of its own to be run).
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f'{file}: no such checkpoint file; check the path')
    try:
        if _is_safetensors(file):
            return _load_safetensors(file, map_location)
        checkpoint = torch.load(file, map_location=map_location, weights_only=True)
    except UserError:
        raise
    except Exception as error:  # torch has no one class for what is no checkpoint
        if not (_starts_like_a_checkpoint(file) or _is_safetensors(file)):
            raise UserError(_no_checkpoint(file)) from error
        if isinstance(error, pickle.UnpicklingError):
            raise UserError(more_than_weights(file)) from error
        raise UserError(
            f'{file}: cannot be read as a checkpoint ({one_line(error, 200)}); '
            'it may be cut short: copy or download it again'
        ) from error
    if not isinstance(checkpoint, dict):
        raise UserError(_no_checkpoint(file))
    held = file.stat().st_size
    for tensor in _tensors_in(checkpoint):
        declared = tensor.numel() * tensor.element_size()
        # torch 2.6 makes the storage as large as a forged tensor says.
        there = min(tensor.untyped_storage().nbytes(), held)
        if declared > max(there, _SMALL):
            raise UserError(
                f'{file}: declares a tensor of {list(tensor.shape)} and holds a part '
                'of it; it may be forged, use a checkpoint from its source'
            )
    return checkpoint


def _is_safetensors(file: Path) -> bool:
    """Whether it begins as that format does: the header's length, then the header."""
    with file.open('rb') as stream:
        head = stream.read(9)
    length = int.from_bytes(head[:8], 'little')
    return head[8:] == b'{' and length <= file.stat().st_size


def _load_safetensors(file: Path, map_location: Any) -> dict[str, Any]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise UserError(
            f'{file}: is in the format of safetensors; pip install safetensors'
        ) from error
    where = map_location if isinstance(map_location, (str, torch.device)) else 'cpu'
    return load_file(file, device=str(where))


# Weights that are expanded views are rare and small; a copy of a forged one is not.
_SMALL = 2**28


def _tensors_in(part: Any) -> Iterator[torch.Tensor]:
    if isinstance(part, torch.Tensor) and part.layout == torch.strided:
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _tensors_in(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _tensors_in(value)


def _starts_like_a_checkpoint(file: Path) -> bool:
    with file.open('rb') as stream:
        head = stream.read(4)
    return not head or head.startswith(_SAVED_BY_TORCH)  # empty is cut short


def _no_checkpoint(file: Path) -> str:
    return f'{file}: is not a checkpoint; give a file that torch.save wrote'


def write_checkpoint_file(path: str, checkpoint: dict) -> None:
    """Write a checkpoint, whole or not at all, that :func:`load_checkpoint_file` reads.

    Raises:
        UserError: it cannot be written, or would not be read.
    """
    saved = io.BytesIO()  # torch would turn an error of the disk into its own
    torch.save(checkpoint, saved)
    with whole_file(path) as file:
        file.write(saved.getbuffer())
        file.flush()
        load_checkpoint_file(file.name)  # nobody else could read it otherwise


def more_than_weights(source: str | Path) -> str:
    return (
        f'{source}: refused, it holds more than weights and could run code; '
        'save the weights alone: torch.save({"state_dict": model.state_dict()}, FILE)'
    )
