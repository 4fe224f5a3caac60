"""What of a teacher is kept: its logits, or the input of the layer that makes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules.recorder import (
    ModuleOutputsRecorder,
    ParameterRecorder,
)
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from mcmi_plugin.fast.known import NotKept
from mcmi_plugin.fast.records import needs_loss
from mcmi_plugin.fast.traces import leaves_traces, undone


@dataclass(frozen=True)
class Place:
    """Where in a record one of the kept tensors stands.

    Attributes:
        kind: ``'features'`` or ``'logits'``.
        shape: of one sample there; ``[D, 1, 1]`` in front of a flattening.
    """

    kind: str
    shape: tuple[int, ...]

    def filled(self, known: dict[str, Tensor]) -> Tensor:
        """What stands there for a batch."""
        return known[self.kind].reshape(-1, *self.shape)


@dataclass
class Kept:
    """What was found out by running a teacher once.

    Attributes:
        tried: ``'logits'`` of the batch that the teacher was tried on, and
            ``'features'`` where a linear layer makes the logits of them.
        classifier: that layer.
        records: what each recorder holds after a step, with a :class:`Place` for each
            tensor that is kept, and None for what nobody reads.
    """

    tried: dict[str, Tensor]
    classifier: nn.Linear | None
    records: dict[str, list]

    @property
    def widths(self) -> dict[str, int]:
        """D of each kind."""
        return {kind: tensor.shape[1] for kind, tensor in self.tried.items()}

    @property
    def needs(self) -> set[str]:
        """The kinds that are read."""
        leaves = tree_leaves(self.records)
        return {place.kind for place in leaves if isinstance(place, Place)}

    def choose(self, exact: bool) -> str:
        """Which of the two to keep: the features if need be, or what is smaller.

        Args:
            exact: to the last bit: logits of a whole batch may be others than those of
                its parts.
        """
        features, logits = self.widths.get('features'), self.widths['logits']
        if features and ('features' in self.needs or exact or features <= logits):
            return 'features'
        return 'logits'

    def both(self, kind: str, rows: Tensor) -> dict[str, Tensor]:
        """The tensors of a batch by kind, from the rows of one kind, [B, D]."""
        known = {kind: rows.to(self.tried[kind].dtype)}
        if kind == 'features':
            assert self.classifier is not None
            # Not the layer itself, whose recorder would listen.
            known['logits'] = type(self.classifier).forward(
                self.classifier, known['features']
            )
        return known

    def fill(self, distiller: ConfigurableDistiller, known: dict[str, Tensor]) -> None:
        """Put into the teacher's recorders what its run would have left there."""
        for name, records in self.records.items():
            recorder: Any = distiller.teacher_recorders.recorders[name]
            recorder._data_buffer = tree_map(
                lambda part: part.filled(known) if isinstance(part, Place) else None,
                records,
            )


@torch.no_grad()
def find_kept(
    teacher: nn.Module,
    distiller: ConfigurableDistiller,
    images: Tensor,
    data_samples: list,
) -> Kept:
    """Run a teacher on a batch, and see whether all that is read of it can be kept.

    Once, or twice where a loss might see something else than a prediction does.

    Args:
        teacher: as in a training step, in its mode.
        distiller: with the recorders that listen to it.
        images: a batch, as a step would give it.
        data_samples: of the batch.

    Raises:
        NotKept: something else than the logits and the classifier's input is read, or
            the teacher does not answer alike every time.
    """
    if distiller.deliveries.deliveries:
        raise NotKept('a delivery, which may pass anything on')
    read = list(_read_of(distiller))
    linear: list[tuple[nn.Linear, Any, Any]] = []
    logits: Any = None

    def run() -> None:
        nonlocal logits
        with distiller.teacher_recorders:
            logits = teacher(images, data_samples, mode='tensor')

    handles = [
        module.register_forward_hook(
            lambda module, inputs, output: linear.append((module, inputs, output))
        )
        for module in teacher.modules()
        if type(module).forward is nn.Linear.forward
    ]
    recorders = distiller.teacher_recorders.recorders
    try:
        if leaves_traces(teacher, run):
            raise NotKept(
                'a teacher that draws random numbers or changes its statistics in a '
                'step'
            )
    finally:
        for handle in handles:
            handle.remove()
    found = {name: r.data_buffer for name, r in recorders.items()}
    in_step = found
    if needs_loss(teacher, distiller):
        with undone(teacher), distiller.teacher_recorders:
            teacher(images, data_samples, mode='loss')
        in_step = {name: r.data_buffer for name, r in recorders.items()}
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(images):
        raise NotKept(f'a {type(teacher).__name__}, which gives no [B, C] logits')
    tensors, classifier = {'logits': logits}, None
    for module, inputs, output in linear:
        if output is logits and inputs and inputs[0].ndim == 2:
            tensors['features'], classifier = inputs[0], module
    records = {
        name: tree_map(partial(_taken, tensors), found[name])
        for name, recorder in recorders.items()
        if not isinstance(recorder, ParameterRecorder)
    }
    for source, name, *where in read:
        places = tree_leaves(_at(records[name], *where))
        is_kept = places and all(isinstance(place, Place) for place in places)
        if not is_kept:
            raise NotKept(f'{source}, which is neither the logits nor what they are of')
        one, other = (tree_leaves(_at(r[name], *where)) for r in (in_step, found))
        tensors_alone = all(isinstance(leaf, Tensor) for leaf in one)
        if not tensors_alone or not all(map(torch.equal, one, other)):
            raise NotKept(f'{source}, which a loss sees otherwise than a prediction')
    return Kept(tensors, classifier, records)


def _read_of(distiller: ConfigurableDistiller) -> Iterator[tuple[str, str, int, Any]]:
    """Source and place of each record of the teacher that a loss is given."""
    recorders = distiller.teacher_recorders.recorders
    for mapping in distiller.loss_forward_mappings.values():
        for record in mapping.values():
            recorder = None
            if not record.get('from_student'):
                recorder = recorders[record['recorder']]
            if recorder is None or isinstance(recorder, ParameterRecorder):
                continue
            if not isinstance(recorder, ModuleOutputsRecorder):  # or ModuleInputs
                raise NotKept(f'{recorder.source}, a function')
            where = record.get('record_idx', 0), record.get('data_idx')
            yield recorder.source or 'the whole network', record['recorder'], *where


def _taken(tensors: dict[str, Tensor], record: Any) -> Place | None:
    """The place of what is kept, in a record that is that itself, or a view of it."""
    for kind, tensor in tensors.items():
        if record is tensor or (
            isinstance(record, Tensor)
            and record.numel() == tensor.numel()
            and len(record) == len(tensor)
            and record.data_ptr() == tensor.data_ptr()
            and record.is_contiguous()
        ):
            return Place(kind, tuple(record.shape[1:]))
    return None


def _at(records: list, record_idx: int, data_idx: int | None) -> Any:
    """What a loss is given of a recorder's records; None where there is none."""
    try:
        record = records[record_idx]
        return record if data_idx is None else record[data_idx]
    except (IndexError, TypeError):
        return None
