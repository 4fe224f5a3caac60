"""What asks for more outputs than a network has."""

import re
from typing import Any

from mcmi_plugin.errors import UserError
from mcmi_plugin.type_names import short_name

# torch's words, on the CPU.
_NO_SUCH_CLASS = re.compile(r'Target (-?\d+) is out of bounds')


def check_topk(evaluator: Any, outputs: dict[str, int]) -> None:
    """A validation's accuracy is not among more classes than a network has outputs.

    Args:
        evaluator: ``val_evaluator``: a metric, or several.
        outputs: how many a network has, by the key that says it.

    Raises:
        UserError: it names the key of the metric.
    """
    named = {'val_evaluator': evaluator}
    if isinstance(evaluator, (list, tuple)):
        named = {f'val_evaluator.{i}': metric for i, metric in enumerate(evaluator)}
    for key, metric in named.items():
        kind = short_name(metric.get('type')) if isinstance(metric, dict) else ''
        if kind not in ('Accuracy', 'BatchAccuracy'):
            continue
        topk = metric.get('topk', 1)
        most = max(topk) if isinstance(topk, (list, tuple)) else topk
        for said, number in outputs.items():
            if most > number:
                raise UserError(
                    f'{key}.topk={topk}: {said}={number}, so there is no '
                    f'top-{most} accuracy; set {key}.topk=1'
                )


def explain_labels(error: IndexError) -> None:
    """Say of a label that a network has no output for it.

    Returns only where the error has nothing to do with labels.

    Raises:
        UserError: one line with the label.
    """
    if found := _NO_SUCH_CLASS.search(str(error)):
        raise UserError(
            f'train_dataloader.dataset: label {found[1]} is not in [0, num_classes) of '
            'a network; labels count from 0, and head.num_classes is their number'
        ) from error
