"""Chosen samples in a file, so that every run of a study has the same ones."""

import hashlib
import json
import os.path as osp
from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.dist import is_main_process

from mcmi_plugin.errors import UserError
from mcmi_plugin.whole_file import whole_file

_REMEDY = 'remove it, or name another file'


def labels_hash(labels: np.ndarray) -> str:
    """SHA-256 of [N] class ids: which data set the indices count in."""
    return hashlib.sha256(labels.astype('<i8').tobytes()).hexdigest()


def choice_of(kind: str, labels: np.ndarray, **options: Any) -> dict[str, Any]:
    """What decides which samples are chosen: options, and the [N] labels."""
    counted = dict(num_samples=len(labels), labels=labels_hash(labels))
    return dict(kind=kind, **options, **counted)


def saved_or_chosen(
    path: str | None, choice: dict[str, Any], choose: Callable[[], np.ndarray]
) -> np.ndarray:
    """The indices in ``path`` if it is there; else chosen now, and saved there.

    Under several processes the main one saves; all choose the same.

    Args:
        path: of the file; None: nothing is saved.
        choice: what decides the indices, of plain values (see :func:`save_indices`).
        choose: makes the indices, [n] int64.

    Raises:
        UserError: the file holds another choice, is damaged, or cannot be written.
    """
    if path is None:
        return choose()
    path, number = osp.abspath(osp.expanduser(path)), choice['num_samples']
    if osp.isfile(path):
        indices = load_indices(path, choice)
        outside = len(indices) and not 0 <= indices[0] <= indices[-1] < number
        if outside or (np.diff(indices) <= 0).any():
            raise UserError(
                f'{path} is no whole file of indices, which are ascending numbers '
                f'from 0 to {number - 1}; {_REMEDY}'
            )
        return indices
    indices = choose()
    if is_main_process():
        save_indices(path, choice, indices)
    return indices


def save_indices(path: str, choice: dict[str, Any], values: np.ndarray) -> None:
    """Write ``values`` and the choice they come from, whole or not at all.

    The file is JSON: ``{"choice": {...}, "number": n, "values": [...]}``.
    """
    content = dict(choice=choice, number=len(values), values=values.tolist())
    text = json.dumps(content)
    with whole_file(path) as file:
        file.write(text.encode())


def load_indices(path: str, choice: dict[str, Any]) -> np.ndarray:
    """What :func:`save_indices` has written, [n] int64, if it is of the same choice.

    Raises:
        UserError: the file comes from another choice (the line says in what), or
            is damaged.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        found, values = content['choice'], content['values']
        values = np.asarray(values)
        if values.ndim != 1 or values.dtype.kind != 'i' or not isinstance(found, dict):
            raise ValueError
        if content.get('number', len(values)) != len(values):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path} is no whole file of indices; {_REMEDY}') from error
    for key in [*choice, *found]:
        if found.get(key) != choice.get(key):
            raise UserError(
                f'{path} was made with {key}={_short(found.get(key))}, not '
                f'{_short(choice.get(key))}; {_REMEDY}'
            )
    return values


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 30 else f'{text[:12]}...{text[-1]}'
