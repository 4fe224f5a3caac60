"""mmengine reads checkpoints without running code that a file brings along."""

import argparse
import functools
import os
import pickle
import warnings
from typing import Any
from urllib.error import URLError

import numpy as np
import torch

from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.file import load_checkpoint_file, more_than_weights

_FORCE_UNSAFE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
_NUMBERS = (
    np.bool_,
    *(np.int8, np.int16, np.int32, np.int64),
    *(np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.float16, np.float32, np.float64),
)


def allow_mmengine_checkpoints() -> None:
    """Let ``weights_only=True`` read what mmengine writes, and nothing more.

    What upstream gets wrong: mmengine 0.10 saves ``HistoryBuffer`` objects and
    numpy values beside the weights, which torch >= 2.6 refuses to read, so
    neither ``--resume`` nor a teacher trained with mmengine loads
    (open-mmlab/mmengine #1655).

    A HistoryBuffer names its statistics through ``builtins.getattr``, which in
    a forged file reaches any code; ``_history_statistic`` answers in its place.
    Likewise ``numpy.ndarray``, called with a buffer and an object dtype, turns
    raw bytes into pointers, so a file may name it but not call it, and of the
    dtypes only those of numbers may be given a state.

    Beside mmengine's own, a file may hold an ``argparse.Namespace`` of plain values:
    many training programs keep their flags in the checkpoint.

    The list only adds to torch's, so it is idle as soon as mmengine's own
    checkpoints hold plain values.
    """
    from mmengine.logging.history_buffer import HistoryBuffer

    # Files written with numpy 1 and numpy 2 name the same functions differently.
    scalar: Any = np.float64().__reduce__()[0]
    modules = ('numpy.core.multiarray', 'numpy._core.multiarray')
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (_history_statistic, 'builtins.getattr'),
            (_refuse_to_build_array, 'numpy.ndarray'),
            # torch sets the state of an array only if its class is in the list.
            # No file can ask for this name: a pickled name ends at a new line.
            (np.ndarray, 'numpy.ndarray\n'),
            np.dtype,
            *(type(np.dtype(number)) for number in _NUMBERS),
            bytes,  # of an array without elements
            (_Flags, 'argparse.Namespace'),
            *((_empty_array, f'{module}._reconstruct') for module in modules),
            *((scalar, f'{module}.scalar') for module in modules),
        ]
    )


def keep_loading_safe() -> None:
    """Take away the ways in which mmengine's loading runs code from a file.

    mmengine calls ``torch.load`` without ``weights_only``, which an environment
    variable turns into the unsafe kind, and downloads through
    ``torch.hub.load_state_dict_from_url``, whose default is the unsafe kind.
    Local files are read by ``load_checkpoint_file`` instead and downloads with
    ``weights_only=True``. When it resumes, it runs the text of ``meta['config']``,
    which only checkpoints older than mmengine have, to learn ``gpu_ids`` from it;
    the text is left out. This is a decision, not a repair: it stays whatever
    upstream does.
    """
    import mmengine.runner.checkpoint as mmengine_checkpoint

    # Child processes inherit the environment, so theirs is safe as well.
    if os.environ.pop(_FORCE_UNSAFE, None) is not None:
        warnings.warn(
            f'{_FORCE_UNSAFE} is ignored and removed: it lets a checkpoint run '
            'code; checkpoints of mmengine load without it'
        )
    mmengine_checkpoint.CheckpointLoader.register_scheme(
        prefixes='', loader=load_from_local, force=True
    )
    mmengine_checkpoint.load_url = _load_url


# mmengine prints the part of the name after 'load_from_'.
def load_from_local(filename: str, map_location: Any = None) -> dict[str, Any]:
    """mmengine's loader of local files (``load_from``, ``resume``, ``init_cfg``)."""
    checkpoint = load_checkpoint_file(os.path.expanduser(filename), map_location)
    return _without_config(checkpoint)


def _without_config(checkpoint: Any) -> Any:
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
    return checkpoint


@functools.wraps(torch.hub.load_state_dict_from_url)
def _load_url(url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    kwargs['weights_only'] = True
    try:
        checkpoint = torch.hub.load_state_dict_from_url(url, *args, **kwargs)
    except pickle.UnpicklingError as error:
        raise UserError(more_than_weights(url)) from error
    except URLError as error:
        raise UserError(
            f'{url}: cannot be downloaded ({error.reason}); download it where there '
            'is a network and give the path of the file'
        ) from error
    return _without_config(checkpoint)


def _history_statistic(owner: Any, name: str) -> Any:
    from mmengine.logging.history_buffer import HistoryBuffer

    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(owner, name)
    raise pickle.UnpicklingError(f'getattr of {name!r} refused')


class _Flags(argparse.Namespace):
    """Stands for ``argparse.Namespace``; its attributes are plain values."""

    _PLAIN = (
        *(type(None), bool, int, float, complex, str, bytes),
        *(torch.device, torch.dtype, argparse.Namespace),
    )

    def __new__(cls) -> '_Flags':
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not _is_plain(state, self._PLAIN):
            raise pickle.UnpicklingError('a Namespace of other than plain values')
        self.__dict__.update(state)

    def __reduce__(self) -> tuple:  # is written as what it stands for
        return argparse.Namespace, (), self.__dict__


def _is_plain(part: Any, plain: tuple[type, ...]) -> bool:
    if isinstance(part, dict):
        return all(_is_plain([key, value], plain) for key, value in part.items())
    if isinstance(part, (list, tuple, set)):
        return all(_is_plain(value, plain) for value in part)
    return isinstance(part, plain)


def _refuse_to_build_array(*args: Any) -> None:
    raise pickle.UnpicklingError('call of numpy.ndarray refused')


def _empty_array(*args: Any) -> np.ndarray:
    # numpy pickles an array as an empty one; shape and dtype come with the state.
    return np.empty(0)
