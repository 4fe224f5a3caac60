"""Timm's checkpoints: for mmpretrain's ``TIMMBackbone``, or networks of its own."""

from torch import Tensor, nn

from mcmi_plugin.convert.naming import Naming
from mcmi_plugin.convert.torchvision import place

_INSIDE = 'backbone.timm_model.'


def naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place timm's weights in ``model``.

    ``TIMMBackbone`` wraps timm's own network, so the names differ by a prefix, and
    timm tells how it calls the classifier, which mmpretrain keeps in the head.
    Other networks are placed as torchvision's are; timm names its ResNets alike.

    Args:
        state: the file's weights.
        model: a classifier of mmpretrain's.
        file_name: timm's files begin with the network's name, which is needed if
            ``model`` does not tell it.
    """
    network = getattr(model.backbone, 'timm_model', None)
    if network is None:
        reference, reference_name = _find_network(state, file_name)
        return Naming(place(state, model, reference), reference, reference_name)
    classifier = network.pretrained_cfg['classifier'] + '.'
    names = {
        key: f'head.fc.{key.removeprefix(classifier)}'
        if key.startswith(classifier)
        else _INSIDE + key
        for key in state
    }
    name = network.pretrained_cfg['architecture']
    return Naming(names, *_build(name, state))


def _find_network(
    state: dict[str, Tensor], file_name: str
) -> tuple[nn.Module | None, str]:
    try:
        import timm
    except ImportError:
        return None, 'not checked: timm is not installed'
    names = [name for name in timm.list_models() if file_name.startswith(name)]
    if not names:
        return None, 'not checked: the file is not named after a network of timm'
    return _build(max(names, key=len), state)


def _build(name: str, state: dict[str, Tensor]) -> tuple[nn.Module | None, str]:
    import timm

    *_, last = state.values()
    network = timm.create_model(name, num_classes=len(last) if last.dim() else 0)
    try:
        network.load_state_dict(state)
    except RuntimeError:
        return None, f"not checked: the weights are not those of timm's {name}"
    return network.eval(), f'timm {timm.__version__} {name}'
