"""Turn another library's checkpoint into an ordinary one of mmpretrain."""

import hashlib
import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mcmi_plugin.convert import pytorch_cifar, repdistiller, timm, torchvision
from mcmi_plugin.convert.class_rows import class_rows
from mcmi_plugin.convert.naming import Naming, names_by_order, random_images
from mcmi_plugin.convert.placement import Placement, place_weights
from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.weights.held import alone, file_of, read_held
from mcmi_plugin.weights.loading import EXTRAS
from mcmi_plugin.weights.wrapping import (
    renamed,
    weights_in,
    with_own_names,
    without_prefix,
)

# Of the largest logit: random weights may give very small or very large ones.
_TOLERANCE = 1e-4


def _same_names(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    names = {key: key for key in state}
    return Naming(names, without_network="the names are mmpretrain's own")


def _same_order(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    names = names_by_order(state, model.state_dict())
    return Naming(
        names,
        without_network='the layers were paired as they are listed',
        data_preprocessor=timm.data_preprocessor(model),
    )


NAMINGS = {
    'torchvision': torchvision.naming,
    'timm': timm.naming,
    'repdistiller': repdistiller.naming,
    'hsakd': repdistiller.hsakd_naming,
    'pytorch-cifar': pytorch_cifar.naming,
    'mmpretrain': _same_names,
    'order': _same_order,  # never by itself
}


@dataclass(frozen=True)
class Conversion:
    """What has come of a checkpoint.

    Attributes:
        placement: of its weights in the model.
        meta: its own ``meta``, and under ``source`` its file's name, its SHA-256,
            the naming, and the classes whose rows were taken if not all were.
        taken: what of the file was taken, in words.
        num_classes: of the model.
        compared_with: the source library's network.
        not_compared: why there is none, or why it was not called.
        difference: largest difference of a logit, as a part of the largest logit.
        data_preprocessor: the one that goes with the weights, if the library tells.
    """

    placement: Placement
    meta: dict
    taken: str
    num_classes: int | None
    compared_with: str | None
    not_compared: str | None
    difference: float | None
    data_preprocessor: dict | None

    def fault(self) -> str | None:
        """Why the result must not be used, in one line; None if it can be."""
        fault = self.placement.fault()
        if fault and self.compared_with:
            return f'{fault}; the file holds {self.compared_with}'
        if fault or self.difference is None or self.difference <= _TOLERANCE:
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
    if timm.is_own(model):
        return 'timm'
    if pytorch_cifar.is_for(state, model):
        return 'pytorch-cifar'
    if repdistiller.is_for(model):
        return 'repdistiller'
    return 'timm' if hasattr(model.backbone, 'timm_model') else 'torchvision'


def convert(
    path: str,
    model: nn.Module,
    naming: str = 'auto',
    *,
    take: str | None = None,
    renames: Sequence[str] = (),
    classes: str | None = None,
) -> Conversion:
    """Place a checkpoint's weights in ``model`` and compare the logits.

    Args:
        path: the checkpoint; ``student://FILE`` is the student of a distillation.
        model: an image classifier of mmpretrain's, in evaluation mode; it holds
            the weights afterwards, if all of them fit.
        take: the file's entry that holds the weights, if it is not the usual one.
        classes: those of the file's classes that the model has, as for
            :func:`.class_rows.class_rows`.

    Raises:
        UserError: the file is missing, unsafe, or of a kind of network that the
            model cannot be.
    """
    checkpoint = read_held(path)
    difference = None
    rows = None
    try:
        state, taken = _weights(checkpoint, model, take, renames)
        state = alone(state, model.state_dict(), path)
        if naming == 'auto':
            naming = recognise(state, model)
        found = NAMINGS[naming](state, model, osp.basename(path))
        meta = _meta(file_of(path), checkpoint, naming)
        wanted, (_, num_classes) = model.state_dict(), num_classes_in(model)
        placement = place_weights(state, found.names, wanted, num_classes)
        # Of other layers altogether, the rows are not what is wrong.
        if classes is not None and (placement.num_classes or not placement.fault()):
            rows = _rows(classes, placement, meta, model)
            cut = {key: state[key][rows] for key in placement.classifier}
            state = state | cut
            placement = place_weights(state, found.names, wanted, num_classes)
        fits = placement.fault() is None
        if fits:
            model.load_state_dict(placement.state)
        if fits and found.network is not None:
            difference = largest_difference(found.network, model, rows)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error
    except (RuntimeError, AssertionError) as error:
        reason = one_line(error, 200)
        raise UserError(
            f'{path}: the logits cannot be checked, the model refuses images of 224 '
            f'pixels ({reason}); name a config for 224 pixels'
        ) from error
    return Conversion(
        placement,
        meta,
        taken,
        num_classes,
        found.network_name,
        found.without_network if fits else 'not all weights have a place',
        difference,
        found.data_preprocessor,
    )


def _weights(
    checkpoint: dict, model: nn.Module, take: str | None, renames: Sequence[str]
) -> tuple[dict[str, Tensor], str]:
    """The weights by names without wrappers, and in words where they were."""
    held = weights_in(checkpoint, take)
    state = {key: held.state[key] for key in held.state if not EXTRAS.search(key)}
    if not state:
        raise UserError('holds no weights; name a checkpoint')
    wanted = model.state_dict()
    state = with_own_names(renamed(state, renames), wanted)
    state, prefix = without_prefix(state, wanted)
    taken = held.entry or 'the whole file'
    if prefix:
        taken += f', without {prefix}'
    if held.others:
        taken += f'; also there, for --take: {", ".join(held.others)}'
    return state, taken


def _meta(path: str, checkpoint: dict, naming: str) -> dict:
    meta = checkpoint.get('meta')
    with open(path, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    source = dict(file=osp.basename(path), sha256=digest, naming=naming)
    return {**(meta if isinstance(meta, dict) else {}), 'source': source}


def _rows(
    classes: str, placement: Placement, meta: dict, model: nn.Module
) -> list[int]:
    """The rows of these classes; ``meta`` tells of them from now on."""
    if placement.num_classes is None:
        raise UserError('--classes: the model has all of the file; leave it out')
    have, want = placement.num_classes
    names = (meta.get('dataset_meta') or {}).get('classes')
    rows = class_rows(classes, have, names)
    if len(rows) != want:
        raise UserError(
            f'--classes names {len(rows)} of {have} classes, the model has {want}; '
            f'set {num_classes_in(model)[0]}={len(rows)} in the config'
        )
    if names:
        kept = dict(classes=tuple(names[row] for row in rows))
        meta['dataset_meta'] = {**meta['dataset_meta'], **kept}
    meta['source']['classes'] = rows
    return rows


def num_classes_in(model: nn.Module) -> tuple[str, int | None]:
    """Where in a classifier's config the number of its classes stands, and it."""
    # VGG has it in the backbone, TimmClassifier at the top.
    for part, key in (('head', 'head.'), ('backbone', 'backbone.'), ('model', '')):
        number = getattr(getattr(model, part, None), 'num_classes', None)
        if number:
            return f'{key}num_classes', number
    return 'head.num_classes', None


@torch.no_grad()
def largest_difference(
    network: nn.Module, model: nn.Module, rows: list[int] | None = None
) -> float:
    """Of a logit of two networks, as a part of the largest logit.

    Args:
        rows: the classes of ``network`` that ``model`` has; all by default.
    """
    images = random_images()
    expected, logits = network(images), model(images)
    if rows is not None:
        expected = expected[:, rows]
    return ((logits - expected).abs().max() / expected.abs().max()).item()
