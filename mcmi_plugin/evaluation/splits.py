"""What a classifier is on its training and validation set."""

import math

from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.evaluation.measure import measure, summary
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.log import log_warning


def is_worse_than_guessing(ll: float, num_classes: int) -> bool:
    """Whether a teacher knows less of its training set than who knows nothing.

    A warning says so, and no error: the cross-entropy of a fine-tune may yet mend a
    teacher of other images, and MMRazor takes any teacher.

    Args:
        ll: log-likelihood of the training set, in nats.
        num_classes: C; guessing has ``-log C``.
    """
    guessing = -math.log(num_classes)
    if ll >= guessing - 1e-6:  # of rounding
        return False
    log_warning(
        f'the teacher is worse than guessing, LL {ll:.3f} nats on its training set '
        f'where -log({num_classes}) is {guessing:.3f}: it is broken or untrained, or '
        'sees other images than it learnt from; check mean, std and the order of the '
        'channels (to_rgb) in its data_preprocessor, and that the data set counts the '
        'classes as the teacher does'
    )
    return True


def measured(
    model: nn.Module, loaders: dict[str, DataLoader], num_classes: int, title: str
) -> dict[str, dict[str, float]]:
    """Accuracy in per cent, LL, CMI and entropy in nats of each split."""
    return figures_of(statistics_of(model, loaders, num_classes, title))


def statistics_of(
    model: nn.Module, loaders: dict[str, DataLoader], num_classes: int, title: str
) -> dict[str, ClassStatistics]:
    return {
        split: measure(model, loader, num_classes, title=f'{split}, {title}')
        for split, loader in loaders.items()
    }


def figures_of(statistics: dict[str, ClassStatistics]) -> dict[str, dict]:
    return {split: summary(of_split) for split, of_split in statistics.items()}
