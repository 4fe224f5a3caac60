"""One pass of a cell's student or teacher over a data set, whatever is measured."""

import weakref
from typing import Literal, NamedTuple, overload

from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.configs import measuring_loader, with_dataset
from mcmi_plugin.evaluation.predictions import Predictions, predict, require_finite

# The measures of a cell share its passes; they go when its Runner does.
_kept: weakref.WeakKeyDictionary[Runner, dict] = weakref.WeakKeyDictionary()


class Network(NamedTuple):
    """A student or teacher with the preprocessor of the distiller that it is in."""

    network: nn.Module
    preprocessor: nn.Module


@overload
def passed(
    runner: Runner, cfg: Config, who: Literal['student'], split: str
) -> Predictions: ...
@overload
def passed(
    runner: Runner, cfg: Config, who: Literal['teacher'], split: str
) -> Predictions | None: ...
def passed(runner: Runner, cfg: Config, who: str, split: str) -> Predictions | None:
    """The pass of ``who`` over ``split``, in its order, made once per run.

    Args:
        runner: at its end.
        cfg: of the run.
        who: ``'student'`` or ``'teacher'``.
        split: ``'test'``, ``'val'``, or ``'train'``: the teacher's training set,
            unaugmented.

    Returns:
        None where there is no teacher.
    """
    found = network_of(runner, who)
    if found is None:
        return None
    known = _kept.setdefault(runner, {})
    if (who, split) not in known:
        loader = loader_of(runner, cfg, split)
        known[who, split] = predict(*found, loader, title=f'{who}, {split}')
        require_finite(known[who, split].statistics, found.network, loader)
    return known[who, split]


def network_of(runner: Runner, who: str) -> Network | None:
    """The student or the teacher; None without one."""
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
