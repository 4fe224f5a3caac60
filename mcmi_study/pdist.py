"""How far a teacher is from the true BCPD of the synthetic data set."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.subset import unwrapped
from mcmi_plugin.datasets.synthetic_gaussian import SyntheticGaussian, class_means
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import predictions
from mcmi_plugin.functional.bayes import gaussian_posterior, pdist


def pdist_of(
    model: nn.Module, loader: DataLoader, preprocessor: nn.Module | None = None
) -> float:
    """Pdist of Table 5: 100 times the mean distance to the true BCPD.

    Args:
        model: an mmengine classifier of [B, 10] logits, run in eval mode.
        loader: over a :class:`SyntheticGaussian`, wrapped or not. The paper's
            Pdist, like Ren et al.'s, is that of the training set.
        preprocessor: by default the model's own.

    Raises:
        UserError: another data set, whose BCPD nobody knows.
    """
    data = synthetic_part(loader.dataset)
    if data is None:
        raise UserError(
            f'Pdist: the true BCPD of {type(loader.dataset).__name__} is not known; '
            "use SyntheticGaussian, or leave 'teacher_pdist' out of the measures"
        )
    means = torch.from_numpy(class_means(data.delta, data.seed))
    weight, bias = gaussian_posterior(means, data.sigma)
    distances = torch.zeros(2, dtype=torch.float64)  # their sum and their number
    for batch in predictions(model, loader, preprocessor):
        # Of the vectors as they were drawn: a preprocessor may scale them.
        inputs = torch.as_tensor(batch.inputs).double().cpu().flatten(1)
        distance = pdist(batch.logits.cpu(), inputs @ weight.T + bias)
        distances += torch.stack([distance.sum(), distance.new_tensor(len(inputs))])
    all_reduce(distances)
    return float(100 * distances[0] / distances[1])


def synthetic_part(dataset: Any) -> SyntheticGaussian | None:
    """The synthetic set that ``dataset`` is, or wraps; None where it does not."""
    found = (p for p in unwrapped(dataset) if isinstance(p, SyntheticGaussian))
    return next(found, None)
