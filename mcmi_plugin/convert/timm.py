"""Timm's checkpoints: for mmpretrain's ``TIMMBackbone``, or networks of its own."""

from torch import Tensor, nn

from mcmi_plugin.convert.naming import Naming
from mcmi_plugin.convert.torchvision import place


def naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place timm's weights in ``model``.

    ``TIMMBackbone`` wraps timm's own network, so the names differ by a prefix, and
    the network tells the name of its classifier, which mmpretrain has in the head.
    In other networks weights are placed as torchvision's are: timm's ResNets have
    the same names.

    Args:
        state: the file's weights.
        model: a classifier of mmpretrain's.
        file_name: timm's files begin with the network's name, which is needed if
            ``model`` does not tell it.
    """
    try:
        import timm
    except ImportError:  # and so there is no TIMMBackbone
        names = place(state, model, None)
        return Naming(names, without_network='timm is not installed')
    inner = getattr(model.backbone, 'timm_model', None)
    if inner is None:
        known = [name for name in timm.list_models() if file_name.startswith(name)]
        name = max(known, key=len, default=None)
        network = _build(name, state)
        names = place(state, model, network)
    else:
        name = inner.pretrained_cfg['architecture']
        network = _build(name, state)
        names = _behind_prefix(state, inner.pretrained_cfg['classifier'])
    if network is None:
        return Naming(names, without_network='timm has no network of its name')
    return Naming(names, network, f'timm {timm.__version__} {name}')


def _build(name: str | None, state: dict[str, Tensor]) -> nn.Module | None:
    """Timm's network with these weights, if they are its weights."""
    import timm

    *_, last = state.values()  # of the classifier, as in torchvision
    if name is None or last.dim() == 0:
        return None
    network = timm.create_model(name, num_classes=len(last))
    try:
        network.load_state_dict(state)
    except RuntimeError:
        return None
    return network.eval()


def _behind_prefix(state: dict[str, Tensor], classifier: str) -> dict[str, str]:
    return {
        key: f'head.fc.{key.removeprefix(classifier + ".")}'
        if key.startswith(f'{classifier}.')
        else f'backbone.timm_model.{key}'
        for key in state
    }
