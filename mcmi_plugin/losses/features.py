"""What a recorder has to deliver to a feature loss, checked before it is used."""

from typing import Any

from torch import Tensor, nn

from ..errors import UserError

_WANTED = {
    'vector': (
        2,
        'a [B, D] vector',
        "record the pooled vector: type='ModuleInputs', source='head.fc', data_idx=0",
    ),
    'logits': (
        2,
        '[B, C] logits',
        "record the classifier: type='ModuleOutputs', source='head.fc'",
    ),
    'map': (
        4,
        'a [B, C, H, W] map',
        "record a stage: type='ModuleOutputs' of the backbone",
    ),
}


def check_features(loss: nn.Module, kind: str, **features: Any) -> None:
    """Refuse what was recorded at the wrong place.

    Args:
        kind: 'vector', [B, D], 'logits', [B, C], or 'map', [B, C, H, W].
        features: by their key in ``loss_forward_mappings``.

    Raises:
        UserError: no tensor, another rank, or batches of unequal size.
    """
    rank, wanted, remedy = _WANTED[kind]
    where = f'loss_forward_mappings of {type(loss).__name__}'
    for key, feature in features.items():
        if not isinstance(feature, Tensor):
            raise UserError(
                f'{where}: {key} is a {type(feature).__name__}, not {wanted}; '
                'choose one tensor of it with data_idx'
            )
        if feature.ndim != rank:
            raise UserError(
                f'{where}: {key} has shape {list(feature.shape)}, not that of '
                f'{wanted}; {remedy}'
            )
    sizes = {key: len(feature) for key, feature in features.items()}
    if len(set(sizes.values())) > 1:
        raise UserError(
            f'{where}: batch sizes differ, {sizes}; record all from the same batch'
        )


def require_channels(loss: nn.Module, feature: Tensor, key: str, expected: int) -> None:
    """Refuse a map whose channels are not those the loss was built for.

    Args:
        feature: [B, C, H, W].
        key: the argument of `loss` that says how many channels there are.

    Raises:
        UserError: C is another number.
    """
    if feature.shape[1] != expected:
        raise UserError(
            f'distill_losses: {type(loss).__name__}.{key} is {expected}, but the '
            f'recorded map has {feature.shape[1]} channels; set {key} to '
            f'{feature.shape[1]} or record another stage'
        )
