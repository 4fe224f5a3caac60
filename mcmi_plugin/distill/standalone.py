"""A network of a distiller as a config that stands on its own."""

import copy

from mmengine.config import ConfigDict

from ..config_file import network_of
from ..teacher.model import drop_pretrained


def standing_alone(network: ConfigDict, owner: ConfigDict) -> ConfigDict:
    """A copy of ``network`` that nothing outside of it is needed to build.

    ``cfg_path``, which MMRazor takes in place of a network, is written out, and
    what would load or download weights is left out.

    Args:
        network: ``model.architecture`` or ``model.teacher``.
        owner: ``model``, in whose scope its names are looked up.
    """
    network = copy.deepcopy(network)
    name = network.pop('cfg_path', None)
    if name is not None:
        network.pop('pretrained', None)  # mmengine's, beside cfg_path
        given, network = network, network_of(name)
        for key, value in given.items():  # as mmengine does: defaults, no overrides
            network.setdefault(key, value)
    elif '_scope_' in owner:
        network.setdefault('_scope_', owner._scope_)
    drop_pretrained(network)
    return network
