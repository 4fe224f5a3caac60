"""Who takes one data sample with the labels of a whole batch."""

from typing import Any

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

# Their hooks read no data samples in a training iteration.
_PACKAGES = ('mmengine', 'mmpretrain', 'mmrazor', 'mcmi_plugin')


def takes_joined_labels(runner: Runner) -> bool:
    """Whether nothing in a training step looks for one data sample per image.

    Labels are joined for a loss in any case. But a network, a loss or a hook of the
    user's own may do anything with data samples; so this is so of what is known and
    of a class that says ``takes_joined_labels = True``.
    """
    model = get_ori_model(runner.model)
    packages = {type(hook).__module__.partition('.')[0] for hook in runner.hooks}
    return (
        packages <= {*_PACKAGES}
        and _joins(model.data_preprocessor)
        and all(map(_classifies, _networks(model)))
        and all(map(_says_so, _losses_with_samples(model)))
    )


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


def _classifies(network: Any) -> bool:
    head: Any = type(getattr(network, 'head', None))
    return _says_so(network) or (
        getattr(type(network), 'forward', None) is ImageClassifier.forward
        and getattr(type(network), 'loss', None) is ImageClassifier.loss
        and getattr(head, 'loss', None) is ClsHead.loss
        and getattr(head, '_get_loss', None) is ClsHead._get_loss
    )


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
