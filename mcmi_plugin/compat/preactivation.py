"""Let recorders see pre-activations."""

import functools
from typing import Any

from torch import nn


def mend_set_module_inplace_false() -> None:
    """Make MMRazor's algorithms switch in-place activations off again.

    What upstream gets wrong: ``BaseAlgorithm.set_module_inplace_false`` walks
    ``module._modules`` only if that is an ``OrderedDict``. On torch >= 2.6 it is
    a plain dict, so nothing is switched off, an in-place ReLU overwrites the
    tensor a recorder holds, and a recorder on a pre-activation silently returns
    what comes after the ReLU. OFD and every hint before an activation are wrong.

    The mend serves architecture and teacher alike: both call this method. It
    falls away when upstream's method switches a ReLU off by itself.
    """
    from mmrazor.models.algorithms.base import BaseAlgorithm

    if _switches_relu_off(BaseAlgorithm):
        return

    @functools.wraps(BaseAlgorithm.set_module_inplace_false)
    def set_module_inplace_false(self, architecture: nn.Module, varstr: str) -> None:
        switch_in_place_off(architecture)

    BaseAlgorithm.set_module_inplace_false = set_module_inplace_false


def switch_in_place_off(network: nn.Module) -> None:
    """Let no module of a network overwrite what a recorder may hold."""
    for module in network.modules():
        if hasattr(module, 'inplace'):
            module.inplace = False  # type: ignore[assignment]  # of any class


def _switches_relu_off(algorithm: type[Any]) -> bool:
    # Upstream evaluates its second argument, the path from `self` to the model.
    class Probe:
        set_module_inplace_false = algorithm.set_module_inplace_false
        architecture = nn.Sequential(nn.ReLU(inplace=True))

    probe = Probe()
    probe.set_module_inplace_false(probe.architecture, 'self.architecture')
    return not probe.architecture[0].inplace
