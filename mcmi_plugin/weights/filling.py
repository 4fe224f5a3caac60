"""Which weights of a network a file has filled, whichever way they came.

``teacher_ckpt``, an ``init_cfg`` at any depth, ``load_from`` and a resume all end in
``_load_from_state_dict`` of each module, mmengine's non-strict loading included, and
there it is noted. What nothing has filled is random.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

from mmengine.model.weight_init import PretrainedInit
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn

from mcmi_plugin.errors import UserError, some_of
from mcmi_plugin.weights.held import OF_STUDENT, STUDENT

# Buffers that are learnt; all others are what the constructor makes them.
_STATISTICS = re.compile(r'(^|\.)running_(mean|var)$')


def distiller_of(runner: Runner) -> Any:
    """The Runner's model without its wrapper, if it has a student and a teacher."""
    model = get_ori_model(runner.model)
    both = hasattr(model, 'teacher') and hasattr(model, 'architecture')
    return model if both and hasattr(model, 'teacher_trainable') else None


def watch(network: Any) -> set[str]:
    """Names of the weights that are loaded into ``network`` from now on: it grows."""
    if not hasattr(network, 'filled_weights'):
        network.filled_weights = set()
        for name, module in network.named_modules():
            note = functools.partial(_note, network.filled_weights, name)
            module.register_load_state_dict_pre_hook(note)
    return network.filled_weights


def _note(
    filled: set[str], name: str, module: nn.Module, state: dict, prefix: str, *rest
) -> None:
    for key, tensor in _learnt(module, recurse=False):
        value = state.get(prefix + key)
        if value is not None and value.shape == tensor.shape:
            filled.add(f'{name}.{key}'.removeprefix('.'))


def learnt(network: nn.Module) -> list[str]:
    """Names of all that a training gives a network."""
    return [name for name, _ in _learnt(network)]


def _learnt(network: nn.Module, recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters(recurse=recurse)
    for name, buffer in network.named_buffers(recurse=recurse):
        if _STATISTICS.search(name):
            yield name, buffer


def watch_teacher(model: Any, cfg: dict) -> None:
    """Watch a distiller's teacher, whose constructor may have filled it already.

    Args:
        model: a distiller, built and not yet initialised.
        cfg: its config. What says ``pretrained=True`` loads by itself, when it is
            built; ``teacher_ckpt`` has been loaded then, strictly.
    """
    watch(model.teacher)
    ready = [''] if cfg.get('teacher_ckpt') else _filling_themselves(cfg.get('teacher'))
    if getattr(model.teacher, 'needs_no_training', False):  # known, not learnt
        ready = ['']
    model.teacher.ready_weights = {
        name for name in learnt(model.teacher) if name.startswith(tuple(ready))
    }


def _filling_themselves(part: Any, prefix: str = '') -> list[str]:
    """Prefixes of the weights below parts of a config that say pretrained=True."""
    if not isinstance(part, dict):
        return []
    if part.get('pretrained') is True:
        return [prefix]
    return [
        found
        for key, value in part.items()
        for found in _filling_themselves(value, f'{prefix}{key}.')
    ]


def init_files(network: Any) -> dict[str, str]:
    """Files that the parts of a network are initialised by, by the part's name.

    ``''`` is the network itself. A list may name one among other initialisers. Where
    ``prefix`` takes the student out of a distillation's file, it is ``student://FILE``.
    """
    files = {}
    for name, module in network.named_modules():
        parts = getattr(module, 'init_cfg', None) or []
        for part in [parts] if isinstance(parts, dict) else parts:
            if part.get('type') in ('Pretrained', 'PretrainedInit', PretrainedInit):
                word = STUDENT * str(part.get('prefix')).startswith(OF_STUDENT[:-1])
                files[name] = word + part['checkpoint']
        if isinstance(getattr(module, 'pretrained', None), str):
            files.setdefault(name, module.pretrained)
    return files


def teacher_files(model: Any) -> dict[str, str]:
    """:func:`init_files` of a distiller's teacher, by config key."""
    files = {
        f'model.teacher.{part}.'.replace('..', '.') + 'init_cfg': file
        for part, file in init_files(model.teacher).items()
    }
    whole = init_files(model).get('')
    return files | ({'model.init_cfg': whole} if whole else {})


def random_weights(teacher: Any) -> list[str]:
    """Names of a watched teacher's weights that nothing has filled."""
    known = teacher.filled_weights | teacher.ready_weights
    return [name for name in learnt(teacher) if name not in known]


def check_teacher_filled(model: Any) -> None:
    """Every weight of a distiller's frozen teacher is from a file.

    Args:
        model: a distiller that :func:`watch_teacher` has seen before it was
            initialised.

    Raises:
        UserError: some are random.
    """
    if model.teacher_trainable:
        return
    random = random_weights(model.teacher)
    if not random:
        return
    what = 'model.teacher: nothing fills it'
    for key, file in teacher_files(model).items():
        what = f'{key}: {file} does not fill the teacher'
        break
    number = len(learnt(model.teacher))
    raise UserError(
        f'{what}: {len(random)} of its {number} weights would be random '
        f'({some_of(random)}); name a checkpoint of all of it: --cfg-options '
        'model.teacher_ckpt=PATH'
    )


def check_init_files(model: Any) -> None:
    """Each file that an ``init_cfg`` of a distiller names has filled something.

    Raises:
        UserError: none of a file's weights has found its place.
    """
    filled = {
        f'{part}.{name}'
        for part in ('architecture', 'teacher')
        for name in getattr(model, part).filled_weights
    }
    for module, file in init_files(model).items():
        if module.partition('.')[0] not in ('', 'architecture', 'teacher'):
            continue  # of a connector
        prefix = f'{module}.' * bool(module)
        if learnt(model.get_submodule(module)) and not any(
            name.startswith(prefix) for name in filled
        ):
            key = f'model.{module}'.rstrip('.')
            raise UserError(
                f'{key}.init_cfg: {file} holds no weight of {key}; name a checkpoint '
                'of that network, or leave init_cfg out'
            )
