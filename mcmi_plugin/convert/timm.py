"""Timm's checkpoints: for mmpretrain's two wrappers of timm, or networks of its own."""

from typing import Any

from mmpretrain.models.classifiers import TimmClassifier
from torch import Tensor, nn

from mcmi_plugin.convert.naming import Naming
from mcmi_plugin.convert.torchvision import names_in_model


def is_own(model: nn.Module) -> bool:
    """Whether the model is a network of timm's, whole or without its classifier."""
    backbone = getattr(model, 'backbone', None)
    return isinstance(model, TimmClassifier) or hasattr(backbone, 'timm_model')


def naming(state: dict[str, Tensor], model: Any, file_name: str) -> Naming:
    """Place timm's weights in ``model``.

    ``TimmClassifier`` is timm's own network. ``TIMMBackbone`` wraps it, so the names
    differ by a prefix, and the network tells the name of its classifier, which
    mmpretrain has in the head. In other networks weights are placed as torchvision's
    are: timm's ResNets have the same names.

    Args:
        file_name: timm's files begin with the network's name, which is needed if
            ``model`` does not tell it.
    """
    try:
        import timm
    except ImportError:  # and so the model wraps none of timm's networks
        names = names_in_model(state, model, None)
        return Naming(names, without_network='timm is not installed')
    published = _published(model)
    if published is not None:
        name = published['architecture']
        network = _build(name, state)
        names = {key: key for key in state}
        if not isinstance(model, TimmClassifier):
            names = _behind_prefix(state, published['classifier'])
    else:
        known = [name for name in timm.list_models() if file_name.startswith(name)]
        name = max(known, key=len, default=None)
        network = _build(name, state)
        names = names_in_model(state, model, network)
        published = getattr(network, 'pretrained_cfg', None)
    expects = published and _preprocessor(published)
    if network is None:
        why = 'timm has no network of its name and weights'
        return Naming(names, without_network=why, data_preprocessor=expects)
    label = f'timm {timm.__version__} {name}'
    return Naming(names, network, label, data_preprocessor=expects)


def data_preprocessor(model: nn.Module) -> dict | None:
    """What timm's published weights of the model's network expect of the images.

    Returns:
        As ``ClsDataPreprocessor`` takes it, for pixels from 0 to 255 and OpenCV's
        order of channels; None if the model wraps no network of timm's.
    """
    published = _published(model)
    return published and _preprocessor(published)


def _published(model: Any) -> dict | None:
    if not is_own(model):
        return None
    whole = isinstance(model, TimmClassifier)
    return (model.model if whole else model.backbone.timm_model).pretrained_cfg


def _preprocessor(published: dict) -> dict:
    return dict(
        mean=[round(255 * mean, 3) for mean in published['mean']],
        std=[round(255 * std, 3) for std in published['std']],
        to_rgb=True,
    )


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
