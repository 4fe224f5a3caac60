"""A step of a second student, whose teacher's answers are in a store.

Ours is the Runner with ``fast = True`` and ``teacher_store = True`` (float16), all rows
there; the baseline is a bare loop that runs the teacher too. Both see the same images,
32 x 32, batch 64. What a first student is spared is counted with the loader that trains
it: how many of the views in 240 epochs it has met before. The floor of a pair is the
bare loop itself, told what its teacher answers.
"""

import copy
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from benchmarks.distillation import distillation
from benchmarks.harness import Contest, Figure, require_same_training, weights_of
from benchmarks.images import RandomImages
from benchmarks.networks import BareNetwork
from benchmarks.runners import epochs_of, first_epoch_batches, ready_runner, sgd_of
from benchmarks.step import (
    BATCH_SIZE,
    bare_distillation,
    bare_networks,
    normalised,
)
from mcmi_plugin.fast.known import pipeline_of
from mcmi_plugin.fast.resident import ResidentLoader
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.stored.hook import TeacherStoreHook
from mcmi_plugin.stored.views import record_views, seen, views_of

PAIRS = ('r56_r20', 'wrn40_2_shuv1', 'r32x4_shuv1', 'r50_mnv2')
COMPOSITION = """\
_base_ = ['{base}/pairs/{pair}.py', '{base}/methods/{method}.py']
from mcmi_plugin.distill import compose
model = compose(_base_.pair, _base_.method)
"""
EPOCHS = 240
# One step of a random ShuffleNetV1 is 2.4 % from that in float64, a bare loop's 0.5 %
# from it; either grows tenfold a step, so only one is compared.
ONE_STEP = 0.1


def contests(
    pairs: tuple[str, ...] = PAIRS,
    iterations: int = 4,
    rounds: int = 5,
    epochs: int = EPOCHS,
) -> Iterator[Contest | Figure]:
    """Epochs of so many iterations for each pair."""
    for pair in pairs:
        yield from pair_contests(pair, iterations, rounds)
    yield first_student(epochs)


def pair_contests(pair: str, iterations: int, rounds: int) -> Iterator[Contest]:
    """One pair by KD."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        path = Path(folder, f'{pair}_kd.py')
        path.write_text(
            COMPOSITION.format(base=CONFIGS / '_base_', pair=pair, method='kd')
        )

        def start(iterations: int) -> tuple[Runner, Any, Any, list]:
            number = iterations * BATCH_SIZE
            config = distillation(number, path=path, store=dict(dir=folder))
            runner = stack.enter_context(ready_runner(config))
            batches = normalised(runner, first_epoch_batches(runner))
            return runner, *bare_networks(runner), batches

        def check() -> None:
            for _ in range(2):  # a student that fills the store, one that reads it
                runner, student, teacher, batches = start(1)
                before = weights_of(student)
                runner.train()
                sgd = sgd_of(runner, student)
                bare_distillation(student, teacher, sgd, batches)
                ours = BareNetwork(runner.model.architecture)
                require_same_training(ours, student, before, ONE_STEP)
            answers = answers_of(runner)
            assert answers.found == answers.asked > 0

        runner, student, teacher, batches = start(iterations)
        sgd = sgd_of(runner, student)
        runner.train()
        answers_of(runner).begin()  # which the end of its training has ended
        against: dict[str, Any] = dict(
            baseline=partial(bare_distillation, student, teacher, sgd, batches),
            baseline_is='a bare loop',
            rounds=rounds,
            units=iterations,
            unit='step',
        )
        yield Contest(
            f'stored {pair}',
            lambda: epochs_of(runner)(),
            check=check,
            ours_is=f'{pair} by KD under the Runner, the teacher in a store, batch 64',
            **against,
        )
        told = Told(teacher, batches)

        def check_floor() -> None:
            before = weights_of(student)
            one, other = copy.deepcopy(student), copy.deepcopy(student)
            for network, of_it in ((one, told), (other, teacher)):
                sgd = sgd_of(runner, network)
                bare_distillation(network, of_it, sgd, batches)
            require_same_training(one, other, before, 1e-3)  # the same arithmetic

        yield Contest(
            f'stored {pair} floor',
            partial(bare_distillation, student, told, sgd, batches),
            check=check_floor,
            ours_is='the bare loop, told what the teacher answers',
            **against,
        )


class Told(nn.Module):
    """In a teacher's place: its answers to some batches, in their order."""

    def __init__(self, teacher: nn.Module, batches: list) -> None:
        super().__init__()
        with torch.no_grad():
            answers = [teacher.eval()(images) for images, _ in batches]
        self.answers = cycle(answers)

    def forward(self, images: Tensor) -> Tensor:
        return next(self.answers)


def answers_of(runner: Runner) -> Any:
    """What answers in place of the teacher."""
    (hook,) = (h for h in runner.hooks if isinstance(h, TeacherStoreHook))
    return hook.answers


def first_student(epochs: int = EPOCHS, number: int = 256) -> Figure:
    """The share of a first student's questions that its teacher must answer."""
    pipeline = [
        dict(type='mmpretrain.RandomCrop', crop_size=32, padding=4),
        dict(type='mmpretrain.RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='mmpretrain.PackInputs'),
    ]
    dataset = RandomImages(number=number, pipeline=pipeline)
    views = views_of(dataset)
    record_views(pipeline_of(dataset), views)
    loader = ResidentLoader(dataset, BATCH_SIZE)
    met = torch.zeros(number, views.number, dtype=torch.bool)
    new = 0
    for _ in range(epochs):
        for batch in loader:
            found = seen(batch['data_samples'])
            assert found is not None
            new += int((~met[found]).sum())
            met[found] = True
    return Figure(
        'stored first student',
        new / (epochs * number),
        'of all passes',
        f'of the teacher, for a first student of {epochs} epochs over '
        f'{views.number} views of an image',
    )
