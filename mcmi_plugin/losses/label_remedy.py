"""What labels are that are not one class an image, and what to do about it."""

from torch import Tensor


def label_remedy(label: Tensor) -> str:
    """For errors.

    Args:
        label: [B, C] scores of the classes, or whatever else is no [B] class ids.
    """
    if label.ndim == 1:
        return f'these are numbers of {label.dtype}, not class ids'
    if label.ndim != 2:
        return f'these are of shape {list(label.shape)}'
    rows = label.detach().double()
    if ((rows == 0) | (rows == 1)).all() and (rows.sum(1) != 1).any():
        return (
            'the data are multi-label, with several classes or none an image; take a '
            'data set with one'
        )
    return 'remove mixup/cutmix (train_cfg.augments) and label smoothing'
