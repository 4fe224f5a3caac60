"""The layers of a network as MMRazor's recorders see them."""

from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..compat.preactivation import switch_in_place_off
from ..errors import one_line
from ..fast.records import tensors_in
from ..networks import build_network, standing_alone
from .seen import calls_of

# Side -> its key in ``model``, and what leaves its activations in place.
SIDE_KEYS = {
    'student': ('architecture', 'module_inplace'),
    'teacher': ('teacher', 'teacher_module_inplace'),
}
# No power of 2, so that few other dimensions are multiples of it.
_BATCH = 3


@dataclass
class Layer:
    """A module, and what its recorder would hold after one training step.

    Attributes:
        name: what ``source`` is; ``''`` for the network itself.
        type: its class.
        num_parameters: of it with all below it.
        outputs: of each call (``record_idx`` counts them) the shape as text; ``B``
            stands for the batch, and several tensors as ``0: [B, 64], 1: [B]``
            with their ``data_idx``. Empty if it is never called.
        inputs: likewise, of its positional arguments.
        overwritten: what it put out was changed in place afterwards, so that a
            recorder holds the later values.
    """

    name: str
    type: str
    num_parameters: int
    outputs: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    overwritten: bool = False


def build_sides(cfg: Config) -> dict[str, nn.Module]:
    """The networks of a config, without weights and without the distiller.

    Returns:
        ``student`` and ``teacher`` of a distillation (a student that is its own
        teacher alone), ``model`` of anything else; in evaluation mode.

    Raises:
        UserError: one cannot be built.
    """
    model = cfg.model
    parts = {
        side: (standing_alone(model[key], model), model.get(in_place, False))
        for side, (key, in_place) in SIDE_KEYS.items()
        if key in model
    }
    if 'student' not in parts:
        parts = {'model': (standing_alone(model, ConfigDict()), True)}
    networks = {}
    for side, (part, in_place) in parts.items():
        networks[side] = build_network(part, cfg, 'model')
        if not in_place:
            switch_in_place_off(networks[side])
    return networks


def layers_of(network: nn.Module, shape: tuple[int, ...]) -> tuple[list[Layer], str]:
    """Call a network as a training step does and look at every module.

    Returns:
        Its layers in the order of ``named_modules``, and a note if its loss could
        not be computed on made-up labels, or nothing.
    """
    layers = {
        name: Layer(name, type(m).__name__, sum(p.numel() for p in m.parameters()))
        for name, m in network.named_modules()
    }
    note = ''
    samples = [DataSample().set_gt_label(0) for _ in range(_BATCH)]
    pictures = torch.randn(_BATCH, *shape)
    try:
        found, _ = calls_of(network, pictures, samples, mode='loss')
    except Exception as error:  # of a head that wants other labels
        note = f'its loss is not shown ({one_line(error, 200)})'
        found, _ = calls_of(network, pictures, mode='tensor')
    for call in found:
        layer = layers[call.name]
        layer.inputs.append(_text(call.inputs))
        layer.outputs.append(_text(call.output))
        layer.overwritten |= any(
            tensor._version != version
            for tensor, version in zip(
                tensors_in(call.output), call.put_out, strict=True
            )
        )
    return list(layers.values()), note


def parameters_of(network: nn.Module) -> list[Layer]:
    """The parameters of a network, which recorders of kind ``Parameter`` name."""
    found = []
    for name, parameter in network.named_parameters():
        owner = network.get_submodule(name.rpartition('.')[0])
        text = str(list(parameter.shape))
        found.append(Layer(name, type(owner).__name__, parameter.numel(), [text]))
    return found


def calls(texts: list[str]) -> str:
    """What each call has put out: ``[B, 64]``, or ``2 calls: [B, 64]``."""
    shown = ' | '.join(dict.fromkeys(texts))
    return shown if len(texts) < 2 else f'{len(texts)} calls: {shown}'


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return _shape(value)
    if isinstance(value, (tuple, list)):
        if value and all(isinstance(part, DataSample) for part in value):
            return 'B DataSamples'
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return type(value).__name__
    parts = {key: _text(part) for key, part in value.items()}
    return ', '.join(
        f'{key}: ({text})' if ': ' in text else f'{key}: {text}'
        for key, text in parts.items()
    )


def _shape(tensor: Tensor) -> str:
    if not tensor.ndim:
        return 'scalar'
    sizes = list(map(str, tensor.shape))
    times, rest = divmod(tensor.shape[0], _BATCH)
    if not rest:
        sizes[0] = 'B' if times == 1 else f'{times}B'
    return f'[{", ".join(sizes)}]'
