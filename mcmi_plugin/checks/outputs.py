"""The outputs of the networks: where a config says how many, and what wants more."""

import re
from typing import Any, NamedTuple

from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.networks import classes_place, part_of, standing_alone

# torch's words, on the CPU.
_NO_SUCH_CLASS = re.compile(r'Target (-?\d+) is out of bounds')


class Head(NamedTuple):
    """Where a network says its classes, how many, and how to set them."""

    key: str
    outputs: int
    in_file: str | None  # named by cfg_path, whose own numbers go first

    def says(self) -> str:
        return f'{self.key}={self.outputs}' + f' of {self.in_file}' * bool(self.in_file)

    def remedy(self, number: int) -> str:
        if self.in_file:
            return (
                f'have {number} in the file that cfg_path names, or write its network '
                'out in place of cfg_path'
            )
        return f'set {self.key}={number}'


def heads_of(cfg: Config) -> dict[str, Head]:
    """Of student and teacher, where their configs tell."""
    heads: dict[str, Head] = {}
    for side in ('architecture', 'teacher'):
        network = cfg.get('model', {}).get(side)
        if not isinstance(network, dict):
            continue
        in_file = network.get('cfg_path')
        network = standing_alone(network, cfg.model)
        place = classes_place(network)
        outputs = place and part_of(network, place[0]).get(place[1])
        # A backbone with no classifier in it has -1 or 0 outputs.
        if place and isinstance(outputs, int) and outputs > 0:
            key = '.'.join(filter(None, ('model', side, *place)))
            heads[side] = Head(key, outputs, in_file)
    return heads


def check_topk(evaluator: Any, heads: dict[str, Head]) -> None:
    """A validation's accuracy is not among more classes than a network has outputs.

    Args:
        evaluator: ``val_evaluator``: a metric, or several.

    Raises:
        UserError: it names the key of the metric.
    """
    named = {'val_evaluator': evaluator}
    if isinstance(evaluator, (list, tuple)):
        named = {f'val_evaluator.{i}': metric for i, metric in enumerate(evaluator)}
    for key, metric in named.items():
        if not isinstance(metric, dict):
            continue
        topk = metric.get('topk', 1)
        most = max(topk) if isinstance(topk, (list, tuple)) else topk
        for head in heads.values():
            if 'Accuracy' in metric.get('type', '') and most > head.outputs:
                raise UserError(
                    f'{key}.topk={topk}: {head.key}={head.outputs}, so there is no '
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
