"""Turn another library's checkpoint into an ordinary one of mmpretrain."""

import hashlib
import os.path as osp
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mcmi_plugin.compat.checkpoints import load_checkpoint_file
from mcmi_plugin.convert import pytorch_cifar, repdistiller, timm, torchvision
from mcmi_plugin.convert.naming import Naming, random_images
from mcmi_plugin.convert.placement import Placement, place_weights
from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.weights import EXTRAS, tensors_of

# Of the largest logit: random weights may give very small or very large ones.
TOLERANCE = 1e-4


def _same_names(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    names = {key: key for key in state}
    return Naming(names, without_network="the names are mmpretrain's own")


NAMINGS = {
    'torchvision': torchvision.naming,
    'timm': timm.naming,
    'repdistiller': repdistiller.naming,
    'hsakd': repdistiller.hsakd_naming,
    'pytorch-cifar': pytorch_cifar.naming,
    'mmpretrain': _same_names,
}


@dataclass(frozen=True)
class Conversion:
    """What has come of a checkpoint.

    Attributes:
        placement: of its weights in the model.
        meta: its own ``meta``, and under ``source`` its file's name, its SHA-256
            and the naming.
        num_classes: of the model.
        compared_with: the source library's network.
        not_compared: why there is none, or why it was not called.
        difference: largest difference of a logit, as a part of the largest logit.
    """

    placement: Placement
    meta: dict
    num_classes: int | None
    compared_with: str | None
    not_compared: str | None
    difference: float | None

    def fault(self) -> str | None:
        """Why the result must not be used, in one line; None if it can be."""
        fault = self.placement.fault()
        if fault and self.compared_with:
            return f'{fault}; the file holds {self.compared_with}'
        if fault or self.difference is None or self.difference <= TOLERANCE:
            return fault
        return (
            f'all weights have a place, but the logits differ from those of '
            f'{self.compared_with} by {self.difference:.1e} of the largest'
        )


def recognise(state: dict[str, Tensor], model: nn.Module) -> str:
    """The naming of weights that are meant for ``model``, by their keys."""
    if any(key.startswith('auxiliary_classifier.') for key in state):
        return 'hsakd'
    wanted = model.state_dict()
    # Some networks of timm have a `head.fc` too.
    if any(key in wanted and key.startswith('backbone.') for key in state):
        return 'mmpretrain'
    if pytorch_cifar.is_for(state, model):
        return 'pytorch-cifar'
    if repdistiller.is_for(model):
        return 'repdistiller'
    return 'timm' if hasattr(model.backbone, 'timm_model') else 'torchvision'


def convert(path: str, model: nn.Module, naming: str = 'auto') -> Conversion:
    """Place a checkpoint's weights in ``model`` and compare the logits.

    Args:
        path: the checkpoint.
        model: an image classifier of mmpretrain's, in evaluation mode; it holds
            the weights afterwards, if all of them fit.
        naming: key of ``NAMINGS``, or ``'auto'``.

    Raises:
        UserError: the file is missing, unsafe, or of a kind of network that the
            model cannot be.
    """
    checkpoint = load_checkpoint_file(path)
    weights = tensors_of(checkpoint)
    state = {key: weights[key] for key in weights if not EXTRAS.search(key)}
    if not state:
        raise UserError(f'{path}: holds no weights; name a checkpoint')
    if naming == 'auto':
        naming = recognise(state, model)
    difference = None
    try:
        found = NAMINGS[naming](state, model, osp.basename(path))
        placement = place_weights(state, found.names, model.state_dict())
        fits = placement.fault() is None
        if fits:
            model.load_state_dict(placement.state)
        if fits and found.network is not None:
            difference = largest_difference(found.network, model)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f'{path}: the logits cannot be checked, the model refuses images of 224 '
            f'pixels ({reason}); name a config for 224 pixels'
        ) from error
    with open(path, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    source = dict(file=osp.basename(path), sha256=digest, naming=naming)
    meta = {**(checkpoint.get('meta') or {}), 'source': source}
    return Conversion(
        placement,
        meta,
        getattr(model.head, 'num_classes', None)
        or getattr(model.backbone, 'num_classes', None),  # VGG has it there
        found.network_name,
        found.without_network if fits else 'not all weights have a place',
        difference,
    )


@torch.no_grad()
def largest_difference(network: nn.Module, model: nn.Module) -> float:
    """Of a logit of two networks, as a part of the largest logit."""
    images = random_images()
    expected, logits = network(images), model(images)
    return ((logits - expected).abs().max() / expected.abs().max()).item()
