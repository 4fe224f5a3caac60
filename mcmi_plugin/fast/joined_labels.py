"""Who takes one data sample with the labels of a whole batch."""

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.models.heads import ClsHead
from mmpretrain.utils import get_ori_model
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.models.task_modules.recorder import (
    ModuleInputsRecorder,
    ModuleOutputsRecorder,
    ParameterRecorder,
)
from torch import nn

from mcmi_plugin.fast.known import of_known_package


def looks_at_samples(runner: Runner) -> Any | None:
    """What in a training step may look for one data sample per image; None: nothing.

    Labels are joined for a loss in any case. But a network, a loss or a hook of the
    user's own may do anything with data samples; not so what is known, nor a class
    that says ``takes_joined_labels = True``.
    """
    return next(_that_look(runner), None)


def _that_look(runner: Runner) -> Iterator[Any]:
    model = get_ori_model(runner.model)
    yield from (hook for hook in runner.hooks if not _is_known(hook))
    if not _joins(model.data_preprocessor):
        yield model.data_preprocessor
    for network in _networks(model):
        yield from _unknown_part(network)
    yield from (loss for loss in _losses_with_samples(model) if not _says_so(loss))


def _is_known(hook: Hook) -> bool:
    return of_known_package(hook) or _says_so(hook)


def _says_so(part: Any) -> bool:
    return getattr(part, 'takes_joined_labels', False)


def _joins(preprocessor: nn.Module) -> bool:
    if type(preprocessor) is ClsDataPreprocessor:
        # mmpretrain mixes images by one-hot labels, one sample each.
        return not preprocessor.to_onehot and preprocessor.batch_augments is None
    return type(preprocessor) is BaseDataPreprocessor


def _networks(model: nn.Module) -> list[nn.Module]:
    if isinstance(model, SingleTeacherDistill):
        return [model.architecture, model.teacher]
    return [model]


def _unknown_part(network: Any) -> Iterator[nn.Module]:
    """The network or its head, if its loss is not a classifier's as it stands."""
    if _says_so(network):
        return
    if not _has(network, forward=ImageClassifier.forward, loss=ImageClassifier.loss):
        yield network
    elif not _has(network.head, loss=ClsHead.loss, _get_loss=ClsHead._get_loss):
        yield network if network.head is None else network.head


def _has(part: Any, **methods: Any) -> bool:
    return all(getattr(type(part), n, None) is m for n, m in methods.items())


def _losses_with_samples(model: nn.Module) -> list[nn.Module]:
    """The distillation losses that may be given what a network was called with."""
    if not isinstance(model, SingleTeacherDistill):
        return []
    distiller: Any = model.distiller
    found = []
    for name, mappings in distiller.loss_forward_mappings.items():
        for mapping in mappings.values():
            side = 'student' if mapping.get('from_student') else 'teacher'
            recorders = getattr(distiller, f'{side}_recorders').recorders
            if _may_hold_samples(recorders.get(mapping.get('recorder'))):
                found.append(distiller.distill_losses[name])
    return found


def _may_hold_samples(recorder: Any) -> bool:
    if isinstance(recorder, ModuleInputsRecorder):
        return recorder.source == ''
    return not isinstance(recorder, ModuleOutputsRecorder | ParameterRecorder)
