"""A network of a config by itself: what its config says, and the network built."""

import copy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, DefaultScope, Registry

from mcmi_plugin.config_file import written_out
from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.faults.names import REFUSALS, arguments_of, classes_named, explain
from mcmi_plugin.type_names import short_name


def scope_of(cfg: Config) -> str:
    """The registry in which the bare names of a config are looked up first."""
    return cfg.get('default_scope') or 'mmpretrain'


def built(registry: Registry, part: dict, cfg: Config) -> Any:
    """What a part of a config builds, in the config's scope; it stays as it is."""
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        return registry.build(copy.deepcopy(part))


def build_network(network: dict, cfg: Config, key: str) -> Any:
    """A network without its weights, in evaluation mode.

    Raises:
        UserError: it cannot be built.
    """
    try:
        module = built(MODELS, network, cfg)
    except (*REFUSALS, RuntimeError, ImportError) as error:
        if isinstance(error, REFUSALS):
            explain(error, cfg)
        raise UserError(
            f'{cfg.filename}: {key} cannot be built ({one_line(error, 200)})'
        ) from error
    module.eval()  # MMRazor's algorithms do not return themselves
    return module


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
        given, network = network, written_out(name)
        for key, value in given.items():  # as mmengine does: defaults, no overrides
            network.setdefault(key, value)
    elif '_scope_' in owner:
        network.setdefault('_scope_', owner._scope_)
    drop_pretrained(network)
    return network


def without_mixing(preprocessor: dict) -> tuple[ConfigDict, bool]:
    """A preprocessor's copy as mmpretrain's classifiers take it, images unmixed.

    They hand theirs an argument that mmengine's ``ImgDataPreprocessor`` does not
    take; ``ClsDataPreprocessor`` is the same arithmetic.

    Returns:
        It, and whether it would have mixed.
    """
    found = ConfigDict(copy.deepcopy(preprocessor))
    mixes = bool(found.pop('batch_augments', None))
    if short_name(found.get('type')) == 'ImgDataPreprocessor':
        swaps = [found.pop(key, False) for key in ('bgr_to_rgb', 'rgb_to_bgr')]
        found.update(type='mmpretrain.ClsDataPreprocessor', to_rgb=any(swaps))
    return found, mixes


def names_pretrained(part) -> bool:
    """Whether a model's config fills it with weights by itself."""
    if isinstance(part, dict):
        return (
            part.get('pretrained') not in (None, False)
            or part.get('type') in ('Pretrained', 'PretrainedInit')
            or any(names_pretrained(value) for value in part.values())
        )
    return isinstance(part, list) and any(names_pretrained(value) for value in part)


def drop_pretrained(model: ConfigDict) -> None:
    """Leave out, in place, what would fill a network with weights by itself."""
    for key in [k for k, v in model.items() if k == 'init_cfg' and names_pretrained(v)]:
        del model[key]
    if 'pretrained' in model:
        model.pretrained = False
    for part in model.values():
        if isinstance(part, dict):
            drop_pretrained(part)


def classes_place(network: dict) -> tuple[str, str] | None:
    """Where a classifier's config has its number of classes, or would have it.

    In its head, in itself (timm's), or in a backbone that has the last layer, as
    mmpretrain's VGG and AlexNet.

    Returns:
        Key of the part (``''``: the network itself) and key in it, or None.
    """
    parts = {key: part_of(network, key) for key in ('head', '', 'backbone')}
    for key, part in parts.items():
        for name in ('num_classes', 'num_labels'):
            if name in part:
                return key, name
    for key, part in parts.items():
        kinds = classes_named(part.get('type'))
        if any('num_classes' in arguments_of(kind) for kind in kinds):
            return key, 'num_classes'
    if short_name(network.get('type')) == 'TimmClassifier':
        return '', 'num_classes'  # handed on to timm
    return None


def part_of(network: dict, key: str) -> dict:
    """A part of a network's config; of ``''`` the network, of what is none nothing."""
    part = network.get(key) if key else network
    return part if isinstance(part, dict) else {}
