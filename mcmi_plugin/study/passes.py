"""One pass of a cell's student or teacher over a data set, whatever is measured."""

import weakref
from dataclasses import dataclass
from typing import Literal, cast, overload

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mcmi_plugin.evaluation.measure import hard_labels, measure
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.teacher.data import measuring_loader, with_dataset

# The measures of a cell share its passes; they go when its Runner does.
_kept: weakref.WeakKeyDictionary[Runner, dict] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Pass:
    """What a network did with every sample of a split, in order.

    Attributes:
        statistics: sums over the samples, of the class probabilities.
        logits: [N, C] float32, on the CPU.
        labels: [N] int64, on the CPU.
        classes: C names; ids as text where the data set names none.
    """

    statistics: ClassStatistics
    logits: Tensor
    labels: Tensor
    classes: list[str]


class Network(nn.Module):
    """A student or teacher with the preprocessor of the distiller that it is in.

    It keeps the logits and labels of what passes through.
    """

    def __init__(self, network: nn.Module, data_preprocessor: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.data_preprocessor = data_preprocessor
        self.logits: list[Tensor] = []
        self.labels: list[Tensor] = []

    def forward(self, inputs: Tensor, data_samples: list, mode: str) -> Tensor:
        logits = self.network(inputs, data_samples, mode=mode)
        self.logits.append(logits.float())
        self.labels.append(hard_labels(data_samples))
        return logits


@overload
def passed(
    runner: Runner, cfg: Config, who: Literal['student'], split: str
) -> Pass: ...
@overload
def passed(
    runner: Runner, cfg: Config, who: Literal['teacher'], split: str
) -> Pass | None: ...
def passed(runner: Runner, cfg: Config, who: str, split: str) -> Pass | None:
    """The pass of ``who`` over ``split``, made once per run.

    Args:
        runner: at its end.
        cfg: of the run.
        who: ``'student'`` or ``'teacher'``.
        split: ``'test'``, ``'val'``, or ``'train'``: the teacher's training set,
            unaugmented.

    Returns:
        None where there is no teacher.
    """
    network = network_of(runner, who)
    if network is None:
        return None
    known = _kept.setdefault(runner, {})
    if (who, split) not in known:
        known[who, split] = _pass(network, loader_of(runner, cfg, split), who, split)
    return known[who, split]


def network_of(runner: Runner, who: str) -> Network | None:
    """The student or the teacher, as :func:`measure` takes it; None without one."""
    model = get_ori_model(runner.model)
    if who == 'student':
        network = getattr(model, 'architecture', model)
    else:
        network = getattr(model, 'teacher', None)
    return network and Network(network, model.data_preprocessor)


def loader_of(runner: Runner, cfg: Config, split: str) -> DataLoader:
    """The loader of a split, in order, unaugmented; built once per run."""
    known = _kept.setdefault(runner, {})
    if split not in known:
        if split == 'test':
            loader = cfg.test_dataloader
        else:
            own = (cfg.get('mcmi') or {}).get('dataset')  # the teacher's, if any
            loader = measuring_loader(with_dataset(cfg, own) if own else cfg, split)
        known[split] = runner.build_dataloader(loader)
    return known[split]


def _pass(network: Network, loader: DataLoader, who: str, split: str) -> Pass:
    num_classes = cast(BaseModel, network.network).head.num_classes
    statistics = measure(network, loader, num_classes, title=f'{who}, {split}')
    names = getattr(loader.dataset, 'metainfo', {}).get('classes')
    return Pass(
        statistics,
        torch.cat(network.logits).cpu(),
        torch.cat(network.labels).cpu(),
        list(map(str, names or range(num_classes))),
    )
