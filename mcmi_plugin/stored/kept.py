"""What of a teacher is kept: its logits, or the input of the layer that makes them."""

from dataclasses import dataclass
from typing import Any

import torch
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules.recorder import (
    ModuleOutputsRecorder,
    ParameterRecorder,
)
from torch import Tensor, nn

from mcmi_plugin.fast.records import needs_loss
from mcmi_plugin.fast.traces import leaves_traces, undone
from mcmi_plugin.stored.views import NotKept


@dataclass(frozen=True)
class Place:
    """Where in a record one of the kept tensors stands.

    Attributes:
        kind: ``'features'`` or ``'logits'``.
        shape: of one sample there; ``[D, 1, 1]`` in front of a flattening.
    """

    kind: str
    shape: tuple[int, ...]


@dataclass
class Kept:
    """What was found out by running a teacher once.

    Attributes:
        widths: of ``'logits'``, and of ``'features'`` where a linear layer makes the
            logits of them.
        classifier: that layer.
        records: what each recorder holds after a step, with a :class:`Place` for each
            tensor that is kept, and None for what nobody reads.
        tried: what the teacher gave for the batch that it was tried on, by kind.
    """

    widths: dict[str, int]
    classifier: nn.Linear | None
    records: dict[str, list]
    tried: dict[str, Tensor]

    @property
    def needs(self) -> set[str]:
        """The kinds that are read."""
        return {place.kind for place in _places_in(self.records)}

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
            recorder._data_buffer = [_filled(record, known) for record in records]


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
    read = _read_of(distiller)
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
        name: [_taken(record, tensors) for record in found[name]]
        for name, recorder in recorders.items()
        if not isinstance(recorder, ParameterRecorder)
    }
    for source, name, *where in read:
        places = _leaves(_at(records[name], *where))
        is_kept = places and all(isinstance(place, Place) for place in places)
        if not is_kept:
            raise NotKept(f'{source}, which is neither the logits nor what they are of')
        both = in_step[name], found[name]
        one, other = (_leaves(_at(record, *where)) for record in both)
        tensors_alone = all(isinstance(leaf, Tensor) for leaf in one)
        if not tensors_alone or not all(map(torch.equal, one, other)):
            raise NotKept(f'{source}, which a loss sees otherwise than a prediction')
    return Kept(
        {kind: tensor.shape[1] for kind, tensor in tensors.items()},
        classifier,
        records,
        tensors,
    )


def _read_of(distiller: ConfigurableDistiller) -> list[tuple[str, str, int, Any]]:
    """Source and place of each record of the teacher that a loss is given."""
    recorders = distiller.teacher_recorders.recorders
    found = []
    for mapping in distiller.loss_forward_mappings.values():
        for record in mapping.values():
            if record.get('from_student'):
                continue
            recorder = recorders[record['recorder']]
            if isinstance(recorder, ParameterRecorder):
                continue
            if not isinstance(recorder, ModuleOutputsRecorder):  # or ModuleInputs
                raise NotKept(f'{recorder.source}, a function')
            found.append(
                (
                    recorder.source or 'the whole network',
                    record['recorder'],
                    record.get('record_idx', 0),
                    record.get('data_idx'),
                )
            )
    return found


def _taken(record: Any, tensors: dict[str, Tensor]) -> Any:
    """A record with a place for what is kept."""
    if isinstance(record, Tensor):
        for kind, tensor in tensors.items():
            alike = record.numel() == tensor.numel() and len(record) == len(tensor)
            if record is tensor or (
                alike
                and record.data_ptr() == tensor.data_ptr()
                and record.is_contiguous()
            ):
                return Place(kind, tuple(record.shape[1:]))
        return None
    if type(record) in (tuple, list):
        return type(record)(_taken(part, tensors) for part in record)
    return None


def _filled(record: Any, known: dict[str, Tensor]) -> Any:
    if isinstance(record, Place):
        return known[record.kind].reshape(-1, *record.shape)
    if isinstance(record, (tuple, list)):
        return type(record)(_filled(part, known) for part in record)
    return None


def _at(records: list, record_idx: int, data_idx: int | None) -> Any:
    """What a loss is given of a recorder's records; None where there is none."""
    try:
        record = records[record_idx]
        return record if data_idx is None else record[data_idx]
    except (IndexError, TypeError):
        return None


def _leaves(record: Any) -> list:
    if isinstance(record, (tuple, list)):
        return [leaf for part in record for leaf in _leaves(part)]
    return [record]


def _places_in(value: Any) -> list[Place]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [place for part in value for place in _places_in(part)]
    return [value] if isinstance(value, Place) else []
