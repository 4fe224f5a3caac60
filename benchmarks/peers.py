"""The training loops of two other projects, from a local checkout of theirs.

Nothing of theirs is here: the checkout is imported, and its own code for one epoch
(RepDistiller) or one iteration (mdistiller) is called with KD as MCMI's paper has it.
"""

import importlib
import io
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from benchmarks.runners import SGD
from mcmi_plugin.errors import UserError, one_line

# Project -> a file by which its checkout is known.
KNOWN = {
    'RepDistiller': 'helper/loops.py',
    'mdistiller': 'mdistiller/engine/trainer.py',
}


@dataclass
class Peer:
    """Another project's distillation of ResNet-56 into ResNet-20 by KD.

    Attributes:
        name: the project's.
        student, teacher: its own networks for CIFAR-100, with random weights.
        epoch: trains the student on batches of (images, labels), normalised.
    """

    name: str
    student: nn.Module
    teacher: nn.Module
    epoch: Callable[[list], None]


def check_peer(folder: str) -> str:
    """The name of the project that lies in ``folder``.

    Raises:
        UserError: it is neither; the line says what was looked for.
    """
    for name, file in KNOWN.items():
        if Path(folder, file).is_file():
            return name
    wanted = ' or '.join(f'{file} ({name})' for name, file in KNOWN.items())
    raise UserError(f'--peer {folder}: there is no {wanted} in it; name its checkout')


def load_peer(folder: str) -> Peer:
    """Import a checkout.

    Raises:
        UserError: as :func:`check_peer`, or it needs a package that is not there.
    """
    name = check_peer(folder)
    load = dict(RepDistiller=_repdistiller, mdistiller=_mdistiller)[name]
    sys.path.insert(0, str(Path(folder).resolve()))
    torch.manual_seed(0)
    try:
        return load()
    except ImportError as error:
        raise UserError(f'--peer {folder}: {one_line(error)}; install it') from error
    finally:
        sys.path.pop(0)


def _repdistiller() -> Peer:
    loops = importlib.import_module('helper.loops')
    networks = importlib.import_module('models').model_dict
    kd = importlib.import_module('distiller_zoo').DistillKL(4)
    student, teacher = (networks[n](num_classes=100) for n in ('resnet20', 'resnet56'))
    criteria = nn.ModuleList([nn.CrossEntropyLoss(), kd, kd])
    sgd = torch.optim.SGD(student.parameters(), **SGD)
    options = SimpleNamespace(
        distill='kd', gamma=0.1, alpha=0.9, beta=0, print_freq=100
    )

    def epoch(batches: list) -> None:
        loader = [(*batch, torch.arange(len(batch[1]))) for batch in batches]
        modules = nn.ModuleList([student, teacher])
        with redirect_stdout(io.StringIO()):
            loops.train_distill(1, loader, modules, criteria, sgd, options)

    return Peer('RepDistiller', student, teacher, epoch)


def _mdistiller() -> Peer:
    trainers = importlib.import_module('mdistiller.engine.trainer')
    networks = importlib.import_module('mdistiller.models').cifar_model_dict
    distillers = importlib.import_module('mdistiller.distillers')
    student, teacher = (
        networks[n][0](num_classes=100) for n in ('resnet20', 'resnet56')
    )
    weights = SimpleNamespace(CE_WEIGHT=0.1, KD_WEIGHT=0.9)
    config = SimpleNamespace(KD=SimpleNamespace(TEMPERATURE=4, LOSS=weights))
    distiller = distillers.distiller_dict['KD'](student, teacher, config)
    # Without its __init__, which opens log files: train_iter needs no more.
    trainer = trainers.BaseTrainer.__new__(trainers.BaseTrainer)
    trainer.distiller = distiller
    trainer.optimizer = torch.optim.SGD(distiller.get_learnable_parameters(), **SGD)
    names = ('training_time', 'data_time', 'losses', 'top1', 'top5')

    def epoch(batches: Iterable) -> None:
        meters = {name: trainers.AverageMeter() for name in names}
        distiller.train()
        with _cuda_or_stay():
            for images, labels in batches:
                data = images, labels, torch.arange(len(labels))
                trainer.train_iter(data, 1, meters)

    return Peer('mdistiller', student, teacher, epoch)


@contextmanager
def _cuda_or_stay():
    """mdistiller calls ``.cuda()`` on every batch, GPU or none."""
    if torch.cuda.is_available():
        yield
        return
    tensors: Any = torch.Tensor
    cuda, tensors.cuda = tensors.cuda, lambda tensor, **_: tensor
    try:
        yield
    finally:
        tensors.cuda = cuda
