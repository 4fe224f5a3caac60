"""A distillation step, ResNet-56 to ResNet-20 by KD, under the Runner.

Ours is what a config of this project trains by with ``configs/_base_/fast.py``, with
all hooks. The baseline is a bare loop in plain PyTorch over the same networks, and
with ``--peer`` another project's own code. All see the same images in memory, the
baselines already normalised; augmentation is left out (see ``pipeline``).
"""

from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from mmengine.runner import Runner
from torch import Tensor, nn

from benchmarks.distillation import distillation
from benchmarks.harness import Contest, require_same_training, weights_of
from benchmarks.networks import BareNetwork, build
from benchmarks.peers import load_peer
from benchmarks.runners import (
    SGD,
    epochs_of,
    first_epoch_batches,
    ready_runner,
)
from mcmi_plugin.models.keys import from_repdistiller

Batches = list[tuple[Tensor, Tensor]]
BATCH_SIZE = 64
# Other kernels and folded batch norm change the last bits, SGD's first steps from
# random weights magnify them.
ROUNDING = 3e-2


def contests(
    peer: str | None = None, iterations: int = 8, rounds: int = 9
) -> Iterator[Contest]:
    """Epochs of so many iterations."""
    with ready_runner(distillation(iterations * BATCH_SIZE)) as runner:
        batches = normalised(runner, first_epoch_batches(runner))
        student, teacher = bare_networks(runner)
        sgd = torch.optim.SGD(student.parameters(), **SGD)
        runner.train()
        contest = Contest(
            'step',
            lambda: epochs_of(runner)(),
            partial(bare_distillation, student, teacher, sgd, batches),
            check_bare,
            ours_is='R56 -> R20 by KD under the Runner, batch 64',
            baseline_is='a bare loop',
            rounds=rounds,
            units=iterations,
            unit='step',
        )
        yield contest
        if peer:
            other = load_peer(peer)
            contest.name = f'step ({other.name})'
            contest.baseline = partial(other.epoch, batches)
            contest.check = partial(check_peer_loop, peer)
            contest.baseline_is = f"{other.name}'s own loop"
            yield contest


def check_bare(iterations: int = 2) -> None:
    """Both lead from the same weights to the same student."""
    with ready_runner(distillation(iterations * BATCH_SIZE)) as runner:
        student, teacher = bare_networks(runner)
        sgd = torch.optim.SGD(student.parameters(), **SGD)
        batches = normalised(runner, first_epoch_batches(runner))
        start = weights_of(student)
        runner.train()
        bare_distillation(student, teacher, sgd, batches)
        ours = BareNetwork(runner.model.architecture)
        require_same_training(ours, student, start, ROUNDING)


def check_peer_loop(folder: str, iterations: int = 2) -> None:
    """The same with another project's networks, whose weights ours take over."""
    peer = load_peer(folder)
    with ready_runner(distillation(iterations * BATCH_SIZE)) as runner:
        take_over(runner.model.teacher, peer.teacher)
        take_over(runner.model.architecture, peer.student)
        batches = normalised(runner, first_epoch_batches(runner))
        ours = runner.model.architecture
        start = weights_of(ours)
        runner.train()
        peer.epoch(batches)
        theirs = build(runner.cfg.model.architecture)
        take_over(theirs, peer.student)
        require_same_training(ours, theirs, start, ROUNDING)


def take_over(classifier: nn.Module, network: nn.Module) -> None:
    """Load the weights of RepDistiller's or mdistiller's ResNet."""
    classifier.load_state_dict(from_repdistiller('resnet', network.state_dict()))


def bare_networks(runner: Runner) -> tuple[nn.Module, nn.Module]:
    """Student and teacher with the weights that the Runner's have now.

    They are built anew: copies of the Runner's would carry the recorders' hooks.
    """
    networks = []
    for name in ('architecture', 'teacher'):
        classifier = build(runner.cfg.model[name])
        classifier.load_state_dict(getattr(runner.model, name).state_dict())
        networks.append(BareNetwork(classifier))
    student, teacher = networks
    return student, teacher.requires_grad_(False)


def normalised(runner: Runner, batches: Batches) -> Batches:
    """The batches as the model's preprocessor hands them on."""
    preprocess = runner.model.data_preprocessor
    return [
        (preprocess(dict(inputs=inputs))['inputs'].contiguous(), labels)
        for inputs, labels in batches
    ]


def bare_distillation(
    student: nn.Module,
    teacher: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Batches,
) -> None:
    """The baseline: 0.1 cross-entropy + 0.9 KD at temperature 4, and SGD."""
    student.train()
    teacher.eval()
    for images, labels in batches:
        with torch.no_grad():
            target = (teacher(images) / 4).softmax(1)
        logits = student(images)
        kd = F.kl_div((logits / 4).log_softmax(1), target, reduction='batchmean') * 16
        loss = 0.1 * F.cross_entropy(logits, labels) + 0.9 * kd
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
