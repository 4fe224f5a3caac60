"""A teacher's weights: where they come from, and loading them strictly.

MMRazor loads ``teacher_ckpt`` non-strictly, so that a file none of whose keys
match leaves a random teacher. Here every parameter and buffer is accounted for.
"""

import hashlib
import os
import os.path as osp
import re
import sys
from urllib.error import URLError

import torch
from filelock import FileLock
from torch import Tensor, nn

from mcmi_plugin.errors import UserError, unlike
from mcmi_plugin.weights.held import (
    OF_STUDENT,
    OF_TEACHER,
    alone,
    below,
    file_of,
    made_by,
    read_held,
    tensors_of,
)
from mcmi_plugin.weights.wrapping import as_mmpretrain, with_own_names

# No weights of a network: centroids and a budget travel in the checkpoints of the
# fine-tune itself, a preprocessor's mean and std belong to the config.
_EXTRAS = r'(^|\.)loss_module\.(log_centroids$|controller\.)|^data_preprocessor\.'
EXTRAS = re.compile(_EXTRAS)
# Older files also lack batch norm's counter, which only matters to `momentum=None`.
OPTIONAL = re.compile(rf'{_EXTRAS}|(^|\.)num_batches_tracked$')
_HASH_IN_NAME = re.compile(r'-([0-9a-f]{8,})\.')


def local_file(source: str, key: str = 'model.teacher_ckpt') -> str:
    """The file that ``source`` names, downloaded into torch's cache if need be.

    Args:
        source: a path, an ``http(s)://`` address, or ``torchvision://NAME``
            (``torchvision://resnet34``: torchvision's IMAGENET1K_V1 weights);
            ``student://`` before it is for the student in a distillation's file.
        key: the config key that ``source`` stands under, for the error.

    Raises:
        UserError: there is no such file, name or address, or no network.
    """
    remedy = f'name a local file: --cfg-options {key}=PATH'
    url = source = file_of(source)
    if source.startswith('torchvision://'):
        from mmengine.runner.checkpoint import get_torchvision_models

        urls = get_torchvision_models()
        name = source.removeprefix('torchvision://')
        if name not in urls:
            raise UserError(f'{key}: torchvision has no weights {name!r}; {remedy}')
        # The bare name means V1, which is what the paper calls PyTorch's teacher.
        url = urls.get(f'{name}.imagenet1k_v1', urls[name])
    if not url.startswith(('http://', 'https://')):
        path = osp.abspath(osp.expanduser(url))
        if not osp.isfile(path):
            raise UserError(f'{key}: there is no file {path}; {remedy}')
        return path
    path = osp.join(torch.hub.get_dir(), 'checkpoints', osp.basename(url))
    if not osp.isfile(path):
        _download(url, path, key, remedy)
    return path


def _download(url: str, path: str, key: str, remedy: str) -> None:
    os.makedirs(osp.dirname(path), exist_ok=True)
    digest = _HASH_IN_NAME.search(osp.basename(url))
    try:
        # One process of the machine fetches, the others find the file. The
        # function writes to a temporary name, checks the hash, then renames.
        with FileLock(path + '.lock'):
            if not osp.isfile(path):
                torch.hub.download_url_to_file(
                    url,
                    path,
                    hash_prefix=digest and digest.group(1),
                    progress=sys.stderr.isatty(),
                )
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, 'reason', error)
        raise UserError(
            f'{key}: cannot download {url} ({reason}); put the file at {path} or '
            f'{remedy}'
        ) from error


def read_weights(
    source: str, key: str = 'model.teacher_ckpt', prefix: str = ''
) -> tuple[dict[str, Tensor], dict]:
    """Read a classifier's weights and its checkpoint's ``meta``.

    ``meta['mcmi']`` says how this project made it: :func:`.held.made_by`.

    Args:
        source: as for :func:`local_file`.
        prefix: keep the entries below this prefix, without it (``'teacher.'``
            takes the teacher out of a distiller's checkpoint).

    Raises:
        UserError: the file is missing, unsafe, or holds no weights.
    """
    path = local_file(source, key)
    checkpoint = read_held(source, path)
    meta = checkpoint.get('meta') or {}
    state = below(prefix, tensors_of(checkpoint))
    if made := made_by(checkpoint):
        meta = {**meta, 'mcmi': made}
    if not state:
        prefix = prefix or OF_STUDENT * (source != file_of(source))
        raise UserError(
            f'{key}: {path} holds no weights{f" under {prefix}" * bool(prefix)}'
        )
    return state, meta


def load_weights(
    model: nn.Module,
    state: dict[str, Tensor],
    source: str,
    key: str = 'model.teacher_ckpt',
) -> None:
    """Copy ``state`` into ``model``; every weight must have its place.

    Raises:
        UserError: as :func:`fitting`. The model is then unchanged.
    """
    model.load_state_dict(fitting(model, state, source, key), strict=False)


def fitting(
    model: nn.Module,
    state: dict[str, Tensor],
    source: str,
    key: str = 'model.teacher_ckpt',
    other_classes: str = '',
) -> dict[str, Tensor]:
    """The weights of ``state`` under the names of ``model``, all of them.

    Names as torchvision's ResNets have them (``layer1.0.conv1.weight``,
    ``fc.weight``) are taken for the ``backbone.`` and ``head.fc.`` of
    mmpretrain, which are the same networks. What a fine-tune's checkpoint holds
    beside the weights stays out: centroids of another start would pass for those of
    this one.

    Args:
        other_classes: what to do about another number of classes, where it is not
            the teacher's.

    Raises:
        UserError: weights are missing, foreign, or of another shape, for
            example of another number of classes.
    """
    wanted = model.state_dict()
    state = with_own_names(state, wanted)
    state = as_mmpretrain(alone(state, wanted, source, f'{key}: {source} '), wanted)
    state = {k: v for k, v in state.items() if not EXTRAS.search(k)}
    missing = [k for k in wanted if k not in state and not OPTIONAL.search(k)]
    foreign = [k for k in state if k not in wanted and not OPTIONAL.search(k)]
    if missing or foreign:
        raise UserError(
            f'{key}: {source} does not fit the model: {unlike(missing, foreign)}'
            '; name a checkpoint of the network in the config, or convert it: '
            'tools/convert_checkpoint.py'
        )
    for name, value in state.items():
        if value.is_quantized or value.layout != torch.strided:
            raise UserError(
                f'{key}: {source} has {name} quantised or sparse; save it as plain '
                'float32'
            )
        if name in wanted and value.shape != wanted[name].shape:
            have, want = tuple(value.shape), tuple(wanted[name].shape)
            hint = ''
            part = _part_of_classes(model, name, want)
            if part and have[1:] == want[1:]:
                remedy = other_classes or (
                    f'set model.teacher.{part}.num_classes, or take the rows of your '
                    'classes: tools/convert_checkpoint.py --classes'
                )
                hint = (
                    f' ({have[0]} classes in the file, {want[0]} in the config: '
                    f'{remedy})'
                )
            raise UserError(f'{key}: {source} has {name} {have}, not {want}{hint}')
    return {k: v for k, v in state.items() if k in wanted}


def read_teacher(source: str, key: str) -> tuple[dict[str, Tensor], dict]:
    """:func:`read_weights` of a teacher alone or inside a distiller's checkpoint."""
    state, meta = read_weights(source, key)
    if any(name.startswith(OF_STUDENT) for name in state):
        return read_weights(source, key, OF_TEACHER)
    return state, meta


def _part_of_classes(model: nn.Module, name: str, shape: tuple) -> str | None:
    """``head`` or ``backbone``, where that weight has a row for each class."""
    part = name.partition('.')[0]
    if part not in ('head', 'backbone'):
        return None
    # A head may not know it: then its last layer is what counts.
    known = getattr(getattr(model, part), 'num_classes', None)
    last = [m for m in model.modules() if isinstance(m, nn.Linear)][-1:]
    rows = [m.out_features for m in last] if known is None else [known]
    return part if shape[:1] == (*rows,) else None


def load_teacher(
    model: nn.Module, source: str, key: str = 'model.teacher_ckpt'
) -> dict:
    """Read ``source``, load it strictly into ``model``, return its ``meta``."""
    state, meta = read_weights(source, key)
    load_weights(model, state, source, key)
    return meta


def weights_hash(state: dict[str, Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and values: the teacher, not the file."""
    digest = hashlib.sha256()
    for name in sorted(k for k in state if not OPTIONAL.search(k)):
        value = state[name].detach().cpu().contiguous()
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        digest.update(value.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
