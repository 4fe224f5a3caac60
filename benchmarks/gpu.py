"""Distillation on a GPU: ours against a bare loop, and against MMRazor's own.

All take one batch that is on the device already, again and again, in bf16 autocast.
Ours is the Runner with all hooks; the bare loop has ours' memory format. Nothing is
compiled. That both lead to the same student is checked in float32.

The floor is the arithmetic of a step at the speed of one large bf16 product on this
device; batch norm and ReLU, which move memory and multiply little, keep any ResNet
away from it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import Runner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.distillation import DISTILL, distillation
from benchmarks.harness import (
    Contest,
    Figure,
    NotHere,
    require_same_training,
    weights_of,
)
from benchmarks.images import random_images, whole_batch
from benchmarks.networks import BareNetwork
from benchmarks.runners import epochs_of, ready_runner
from benchmarks.step import bare_distillation, bare_networks, normalised
from mcmi_plugin.locations import CONFIGS

IMAGENET = CONFIGS / 'mcmi/r34_r18_imagenet.py'
BF16 = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
# TF32 in convolutions, and one step of SGD from random weights.
ROUNDING = 5e-2


def contests() -> Iterator[Contest | Figure]:
    """R34 to R18 at 224 pixels, batch 256, and R56 to R20 at batch 64."""
    if not torch.cuda.is_available():
        raise NotHere('there is no GPU')
    imagenet: dict[str, Any] = dict(size=224, classes=1000)
    yield from pair_contests('gpu R34-R18', IMAGENET, 256, **imagenet)
    yield from pair_contests('gpu R56-R20', DISTILL, 64)


def pair_contests(
    name: str,
    path: Path,
    batch_size: int,
    device: str = 'cuda',
    iterations: int = 20,
    **images,
) -> Iterator[Contest | Figure]:
    """One pair; ``device='cpu'``, without autocast, is for tests of the suite."""
    batch = tuple(part.to(device) for part in random_images(batch_size, **images))
    amp = device == 'cuda'

    def start(stock: bool, amp: bool) -> Runner:
        config = distillation(batch_size, 0, stock, path, **images)
        config['train_dataloader']['batch_size'] = batch_size
        if amp:
            config['optim_wrapper'].update(BF16)
        return stack.enter_context(ready_runner(config))

    def check() -> None:
        runner = start(stock=False, amp=False)
        student, teacher, sgd = bare(runner, device)
        before = weights_of(student)
        runner.train()  # its data are the one batch, in some order
        bare_distillation(student, teacher, sgd, normalised(runner, [batch]))
        ours = BareNetwork(runner.model.architecture)
        require_same_training(ours, student, before, ROUNDING)
        synchronised(ours_epoch)
        synchronised(bare_epoch)

    def bare_epoch() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=amp):
            bare_distillation(student, teacher, sgd, batches)

    with ExitStack() as stack:
        lean, stock = start(False, amp), start(True, amp)
        student, teacher, sgd = bare(lean, device)
        for runner in (lean, stock):
            runner.train()  # one step, and what it makes
            runner.train_loop.dataloader = SameBatch(
                runner.train_dataloader, whole_batch(*batch), iterations
            )
        ours_epoch, stock_epoch = epochs_of(lean), epochs_of(stock)
        batches = normalised(lean, [batch])
        flops = count_flops(partial(bare_distillation, student, teacher, sgd, batches))
        layout: dict[str, Any] = dict(memory_format=torch.channels_last)
        student.to(**layout), teacher.to(**layout)
        batches = [(images.to(**layout), labels) for images, labels in batches]
        batches *= iterations
        contest = Contest(
            name,
            partial(synchronised, ours_epoch),
            partial(synchronised, bare_epoch),
            check,
            ours_is=f'the Runner, batch {batch_size}',
            baseline_is='a bare loop, same precision and layout',
            rounds=9,
            units=iterations * batch_size,
            unit='image',
        )
        yield contest
        contest.name = f'{name} (MMRazor)'
        contest.baseline = partial(synchronised, stock_epoch)
        contest.check = contest.baseline  # a warm-up
        contest.baseline_is = "MMRazor's SingleTeacherDistill, same precision"
        yield contest
        if amp:
            floor = iterations * flops / bf16_speed()
            took = min(seconds_of(contest.ours) for _ in range(5))
            yield Figure(
                f'{name} floor',
                took / floor,
                'x',
                f'a step over its {flops / 1e9:.0f} GFLOP at the speed of one product',
            )


def bare(
    runner: Runner, device: str
) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """Student, teacher and the optimizer that the Runner's config asks for."""
    student, teacher = (network.to(device) for network in bare_networks(runner))
    options = dict(runner.cfg.optim_wrapper.optimizer)
    options.pop('type')
    return student, teacher, torch.optim.SGD(student.parameters(), **options)


class SameBatch:
    """A loader of one batch, so many times; the rest is that of another loader."""

    def __init__(self, loader, batch: dict, number: int) -> None:
        self.dataset, self.sampler = loader.dataset, loader.sampler
        self.batch_sampler = loader.batch_sampler
        self.batch, self.number = batch, number

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[dict]:
        for _ in range(self.number):
            yield dict(self.batch)


def synchronised(call: Callable[[], object]) -> None:
    """Call, and wait for the GPU if there is one."""
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def count_flops(step: Callable[[], object]) -> int:
    """Floating-point operations of one step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def bf16_speed(size: int = 8192) -> float:
    """FLOP/s of one large bf16 product on this GPU, the best of 10."""
    a, b = (torch.randn(size, size, device='cuda').bfloat16() for _ in range(2))
    product = partial(synchronised, lambda: a @ b)
    product()
    return 2 * size**3 / min(seconds_of(product) for _ in range(10))


def seconds_of(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
