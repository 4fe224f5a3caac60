"""A temperature that stays in the teacher's file: the last layer, divided by it."""

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import logits_of, predictions
from mcmi_plugin.functional.temperature import FINE_TEMPERATURES


def best_temperature(model: nn.Module, loader: DataLoader) -> float:
    """The temperature with the highest LL on ``loader`` (Guo et al., 2017).

    Args:
        model: an mmengine classifier, not wrapped, in eval mode.
        loader: every sample once; each process sees its share.
    """
    sums = torch.zeros(len(FINE_TEMPERATURES), dtype=torch.float64)
    for batch in predictions(model, loader):
        logits = batch.logits.double()
        labels = batch.labels.to(logits.device)
        for i, temperature in enumerate(FINE_TEMPERATURES.tolist()):
            log_p = (logits / temperature).log_softmax(1)
            sums[i] += log_p.gather(1, labels[:, None]).sum().cpu()
    all_reduce(sums)
    return FINE_TEMPERATURES[sums.argmax()].item()


@torch.no_grad()
def divide_logits(model: nn.Module, temperature: float, raw: dict) -> None:
    """Divide the weight and bias of the last linear layer by ``temperature``.

    Args:
        model: an mmengine classifier, not wrapped, in eval mode.
        temperature: above 0.
        raw: a batch that shows whether the logits have followed.

    Raises:
        UserError: there is no such layer, or more comes after it.
    """
    expected = logits_of(model, raw).double() / temperature
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    wide = [layer for layer in linear if layer.out_features == expected.shape[1]]
    if wide:
        wide[-1].weight.div_(temperature)
        if wide[-1].bias is not None:
            wide[-1].bias.div_(temperature)
    largest = expected.abs().max()
    if not wide or (logits_of(model, raw) - expected).abs().max() > 1e-3 * largest:
        raise UserError(
            f'mcmi.temperature={temperature:g}: the logits of {type(model).__name__} '
            'do not come straight from a linear layer that could be divided by it; '
            'leave it out'
        )
