"""What a distiller reads of its networks, and in what form."""

from typing import Any

from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.models.heads import ClsHead
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules.recorder import (
    ModuleInputsRecorder,
    ModuleOutputsRecorder,
    ParameterRecorder,
)
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map


def needs_loss(teacher: nn.Module, distiller: ConfigurableDistiller) -> bool:
    """Whether ``teacher(..., mode='tensor')`` would leave out what is read.

    It would not for a classifier and a head whose ``loss`` is mmpretrain's own,
    which is ``mode='tensor'`` and a loss of it, as long as every recorder listens
    to a module in front of that loss. A delivery may pass on anything.
    """
    head = getattr(teacher, 'head', None)
    plain = (
        getattr(type(teacher), 'forward', None) is ImageClassifier.forward
        and getattr(type(teacher), 'loss', None) is ImageClassifier.loss
        and getattr(type(head), 'loss', None) is ClsHead.loss
    )
    recorders = distiller.teacher_recorders.recorders.values()
    delivers = bool(distiller.deliveries.deliveries)
    return not plain or delivers or any(map(_listens_to_loss, recorders))


def _listens_to_loss(recorder) -> bool:
    if isinstance(recorder, ParameterRecorder):
        return False
    if not isinstance(recorder, ModuleOutputsRecorder):
        return True  # a function or method, which may belong to the loss
    if recorder.source == '':
        return not isinstance(recorder, ModuleInputsRecorder)
    return f'{recorder.source}.'.startswith('head.loss_module.')


def make_contiguous(distiller: ConfigurableDistiller) -> None:
    """Turn recorded ``[B, C, H, W]`` maps into the memory order of NCHW.

    Losses and connectors ``view`` them, which channels_last maps refuse.
    """
    for manager in (distiller.student_recorders, distiller.teacher_recorders):
        for recorder in manager.recorders.values():
            # A parameter is the weight itself, recorded once for all steps.
            if not isinstance(recorder, ParameterRecorder):
                recorder.data_buffer[:] = tree_map(_contiguous, recorder.data_buffer)


def _contiguous(record: Any) -> Any:
    is_map = isinstance(record, Tensor) and record.ndim == 4
    return record.contiguous() if is_map else record


def tensors_in(value: Any) -> list[Tensor]:
    """Every tensor in nested tuples, lists and dicts."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
