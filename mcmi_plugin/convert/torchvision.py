"""Torchvision's checkpoints: bare state dicts of its classification networks."""

import warnings

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.version import __version__

from mcmi_plugin.convert.naming import Naming, names_by_calls, num_fitting
from mcmi_plugin.weights.wrapping import as_mmpretrain


def naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place torchvision's weights in ``model``.

    Args:
        file_name: torchvision's files begin with the network's name.
    """
    name, network = find_network(state, file_name)
    names = names_in_model(state, model, network)
    if network is None:
        return Naming(names, without_network='no network of torchvision has its shapes')
    return Naming(names, network, f'torchvision {__version__} {name}')


def names_in_model(
    state: dict[str, Tensor], model: nn.Module, network: nn.Module | None
) -> dict[str, str]:
    """Key of the file -> key of the model: by prefixes, or else by calls."""
    wanted = model.state_dict()
    renamed = as_mmpretrain({key: key for key in state}, wanted)
    by_prefix = {theirs: ours for ours, theirs in renamed.items()}
    if network is None or all(ours in wanted for ours in renamed):
        return by_prefix
    return max(
        by_prefix,
        names_by_calls(network, model),
        key=lambda names: num_fitting(names, state, wanted),
    )


def find_network(
    state: dict[str, Tensor], file_name: str
) -> tuple[str | None, nn.Module | None]:
    """The network of torchvision that has weights of these names and shapes.

    All are built to be compared, on the meta device: about three seconds if the
    file's name does not begin with the network's.
    """
    *_, last = state.values()  # of the classifier, in every network
    if last.dim() == 0:
        return None, None
    build = {'weights': None, 'num_classes': len(last)}
    names = models.list_models(module=models)
    for name in sorted(names, key=lambda name: not file_name.startswith(name)):
        try:
            with torch.device('meta'), warnings.catch_warnings():
                warnings.simplefilter('ignore', FutureWarning)  # of two networks
                network = models.get_model(name, **build)
        except NotImplementedError:  # RegNets compute their widths with tensors
            continue
        if shapes_of(network.state_dict()) == shapes_of(state):
            network = models.get_model(name, **build)
            network.load_state_dict(state, strict=False)
            return name, network.eval()
    return None, None


def shapes_of(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    """Shapes by key, without batch norm's counters, which older files lack."""
    return {
        key: value.shape
        for key, value in state.items()
        if not key.endswith('num_batches_tracked')
    }
