"""RepDistiller's and HSAKD's checkpoints: for the networks in ``models/``."""

from torch import Tensor, nn

from mcmi_plugin.convert.naming import NO_LIBRARY, Naming
from mcmi_plugin.errors import UserError
from mcmi_plugin.models.keys import from_hsakd, from_repdistiller

# Our backbone -> how RepDistiller and HSAKD name its kind.
_FAMILIES = {
    'CIFARResNet': ('resnet', 'ResNet50'),
    'CIFARWideResNet': ('wrn',),
    'CIFARVGG': ('vgg',),
    'CIFARMobileNetV2': ('MobileNetV2', 'mobilenetV2'),
    'CIFARShuffleNetV1': ('ShuffleV1',),
    'CIFARShuffleNetV2': ('ShuffleV2',),
}


def is_for(model: nn.Module) -> bool:
    """Whether the model is one of these networks."""
    return type(model.backbone).__name__ in _FAMILIES


def naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place RepDistiller's weights in ``model``.

    Raises:
        UserError: the model is none of its networks, or the file has no
            classifier of this kind of network.
    """
    names = _names(from_repdistiller, state, model)
    return Naming(names, without_network=NO_LIBRARY)


def hsakd_naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place HSAKD's weights in ``model``; otherwise as :func:`naming`."""
    names = _names(from_hsakd, state, model)
    return Naming(names, without_network=NO_LIBRARY)


def _names(convert, state: dict[str, Tensor], model: nn.Module) -> dict[str, str]:
    backbone = type(model.backbone).__name__
    if not is_for(model):
        raise UserError(
            f'model.backbone {backbone} is no network of RepDistiller; name a config '
            f'with one of {", ".join(_FAMILIES)}'
        )
    for family in _FAMILIES[backbone]:
        try:
            renamed = convert(family, {key: key for key in state})
        except UserError:  # it has no classifier of this name
            continue
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            raise UserError(
                'a key of auxiliary_classifier is not as HSAKD names it; '
                'name a checkpoint of HSAKD'
            ) from error
        return {theirs: ours for ours, theirs in renamed.items()}
    raise UserError(
        f'the weights are not those of a {backbone}: it has no classifier of its name; '
        'name the config of the network that the file holds'
    )
