"""What each naming tells of a checkpoint, and how layers are found without names."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Naming(NamedTuple):
    """Where the weights of a file belong in mmpretrain's model.

    Attributes:
        names: key of the file -> key of the model. Keys that are left out have
            no place; whether a place exists and has the shape is checked later.
        reference: the network that the weights were made for, from the library
            that it comes from, with these weights; None where there is none.
        reference_name: its name, or why there is none.
    """

    names: dict[str, str]
    reference: nn.Module | None
    reference_name: str


def random_images() -> Tensor:
    """Two images, [2, 3, 224, 224], as if normalised; the same in every run."""
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def names_by_calls(source: nn.Module, target: nn.Module) -> dict[str, str]:
    """Pair the weights of two implementations of one network.

    The layers of both are called in the same order, whatever they are named: the
    n-th layer that is called in the one is the n-th in the other. That this holds
    is not assumed but shown, by equal logits.

    Args:
        source: the network that the weights come from.
        target: the model that they are meant for.

    Returns:
        Key of ``source`` -> key of ``target``, as far as both have layers.
    """
    pairs = zip(_layers_by_calls(source), _layers_by_calls(target), strict=False)
    return {
        f'{theirs}.{key}': f'{ours}.{key}'
        for (theirs, layer), (ours, _) in pairs
        for key in _own_weights(layer)
    }


def _layers_by_calls(network: nn.Module) -> list[tuple[str, nn.Module]]:
    called = {}  # a layer that is called again keeps its first place
    hooks = [
        layer.register_forward_hook(
            lambda layer, inputs, output, name=name: called.setdefault(name, layer)
        )
        for name, layer in network.named_modules()
        if _own_weights(layer)
    ]
    with torch.no_grad():
        network.eval()(random_images())
    for hook in hooks:
        hook.remove()
    return list(called.items())


def _own_weights(layer: nn.Module) -> list[str]:
    own = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
    return [name for name, _ in own]
