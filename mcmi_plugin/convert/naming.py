"""What each naming tells of a checkpoint, and how layers are found without names."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

# Of a library that no package index has.
NO_LIBRARY = 'the source library is not installed'


class Naming(NamedTuple):
    """Where the weights of a file belong in mmpretrain's model.

    Attributes:
        names: key of the file -> key of the model. Keys that are left out have
            no place; whether a place exists and has the shape is checked later.
        network: the network that the weights are of, from the library that they
            come from, with these weights and in evaluation mode.
        network_name: its name; None like ``network`` if there is none.
        without_network: then, why.
        data_preprocessor: what the weights expect of the images, as mmpretrain's
            ``ClsDataPreprocessor`` takes it, if the library tells.
    """

    names: dict[str, str]
    network: nn.Module | None = None
    network_name: str | None = None
    without_network: str | None = None
    data_preprocessor: dict | None = None


def num_fitting(
    names: dict[str, str], state: dict[str, Tensor], wanted: dict[str, Tensor]
) -> int:
    """How many weights of a file would have a place of their shape."""
    places = [(state.get(key), wanted.get(place)) for key, place in names.items()]
    return sum(
        have is not None and want is not None and have.shape == want.shape
        for have, want in places
    )


def random_images() -> Tensor:
    """Two images, [2, 3, 224, 224], as if normalised; the same in every run."""
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def names_by_calls(source: nn.Module, target: nn.Module) -> dict[str, str]:
    """Pair the weights of two implementations of one network.

    The layers of both are called in the same order, whatever they are named: the
    n-th layer that is called in the one is the n-th in the other. That this holds
    is not assumed but shown, by equal logits.

    Returns:
        Key of ``source`` -> key of ``target``, as far as both have layers.
    """
    pairs = zip(_layers_by_calls(source), _layers_by_calls(target), strict=False)
    return {
        _key(theirs, key): _key(ours, key)
        for (theirs, layer), (ours, _) in pairs
        for key in _own_weights(layer)
    }


def names_by_order(
    state: dict[str, Tensor], wanted: dict[str, Tensor]
) -> dict[str, str]:
    """Pair the layers of a file and of a model as they are listed.

    The n-th layer of the one is the n-th of the other, for programs that list the
    same network's layers in one order under different names. Nothing shows here that
    they do, but that the shapes agree; so this is for a user to ask for.

    Returns:
        Key of the file -> key of the model, as far as both have layers.
    """
    pairs = zip(_layers_listed(state), _layers_listed(wanted), strict=False)
    return {
        _key(theirs, key): _key(ours, key)
        for (theirs, keys), (ours, _) in pairs
        for key in keys
    }


def _key(layer: str, weight: str) -> str:
    # The network itself, which may have weights of its own, has no name.
    return f'{layer}.{weight}'.removeprefix('.')


def _layers_listed(state: dict[str, Tensor]) -> list[tuple[str, list[str]]]:
    layers: dict[str, list[str]] = {}
    for name in state:
        layer, _, key = name.rpartition('.')
        layers.setdefault(layer, []).append(key)
    return list(layers.items())


def _layers_by_calls(network: nn.Module) -> list[tuple[str, nn.Module]]:
    names = {layer: name for name, layer in network.named_modules()}
    called: dict[nn.Module, None] = {}  # one called twice keeps its first place

    def remember(layer: nn.Module, inputs: tuple) -> None:
        called.setdefault(layer)

    hooks = [
        layer.register_forward_pre_hook(remember)
        for layer in names
        if _own_weights(layer)
    ]
    with torch.no_grad():
        network(random_images())
    for hook in hooks:
        hook.remove()
    return [(names[layer], layer) for layer in called]


def _own_weights(layer: nn.Module) -> list[str]:
    own = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
    return [name for name, _ in own]
