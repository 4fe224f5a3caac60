"""How far a teacher is from the true BCPD of the synthetic data set."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.model import BaseModel
from mmpretrain.utils import get_ori_model
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.synthetic_gaussian import SyntheticGaussian, class_means
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.bayes import gaussian_posterior, pdist


@torch.no_grad()
def teacher_pdist(model: BaseModel, loader: DataLoader) -> float:
    """Pdist of Table 5: 100 times the mean distance to the true BCPD.

    Args:
        model: an mmengine classifier whose ``mode='tensor'`` gives [B, 10] logits;
            run in eval mode, and its own mode is put back.
        loader: over a :class:`SyntheticGaussian`, wrapped or not. The paper's
            Pdist, like Ren et al.'s, is that of the training set.

    Raises:
        UserError: another data set, whose BCPD nobody knows.
    """
    model = get_ori_model(model)
    data = synthetic_part(loader.dataset)
    if data is None:
        raise UserError(
            f'Pdist: the true BCPD of {type(loader.dataset).__name__} is not known; '
            "use SyntheticGaussian, or leave 'teacher_pdist' out of the measures"
        )
    means = torch.from_numpy(class_means(data.delta, data.seed))
    weight, bias = gaussian_posterior(means, data.sigma)
    distances = torch.zeros(2, dtype=torch.float64)  # their sum and their number
    was_training = model.training
    model.eval()
    try:
        for raw in loader:
            # Of the vectors as they were drawn: a preprocessor may scale them.
            inputs = torch.as_tensor(raw['inputs']).double().cpu().flatten(1)
            batch = model.data_preprocessor(raw, False)
            logits = model(batch['inputs'], batch['data_samples'], mode='tensor')
            distance = pdist(logits.cpu(), inputs @ weight.T + bias)
            distances += torch.stack([distance.sum(), distance.new_tensor(len(inputs))])
    finally:
        model.train(was_training)
    all_reduce(distances)
    return float(100 * distances[0] / distances[1])


def synthetic_part(dataset: Any) -> SyntheticGaussian | None:
    """The synthetic set that ``dataset`` is, or wraps; None where it does not."""
    while not isinstance(dataset, SyntheticGaussian):
        if not hasattr(dataset, 'dataset'):
            return None
        dataset = dataset.dataset
    return dataset
