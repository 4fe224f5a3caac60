"""Distillation on a GPU: bare loops, MMRazor and ours, with and without a CUDA graph.

All take one batch that is on the device already, again and again, in bf16 autocast.
Ours is the Runner with all hooks; in a stored arm its teacher's answers are all in a
store (float16). The bare loops have ours' memory format. Nothing is compiled. That ours
and the bare loop lead to the same student is checked in float32, that a recorded step
trains as others do in ``tests/fast/test_step_graph.py``.

The share of the card is the arithmetic of a step at the speed of one large bf16 product
on it; batch norm and ReLU, which move memory and multiply little, keep any ResNet away
from all of it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.distillation import DISTILL, distillation
from benchmarks.harness import (
    Contest,
    Figure,
    NotHere,
    Result,
    require_same_training,
    weights_of,
)
from benchmarks.images import random_images, whole_batch
from benchmarks.networks import BareNetwork
from benchmarks.runners import epochs_of, ready_runner, sgd_of
from benchmarks.step import bare_distillation, bare_networks, normalised
from benchmarks.stored import answers_of
from mcmi_plugin.distill import compose
from mcmi_plugin.fast.recorder import Recorder
from mcmi_plugin.locations import CONFIGS

IMAGENET = CONFIGS / 'mcmi/r34_r18_imagenet.py'
SHUFFLE = CONFIGS / '_base_/pairs/r32x4_shuv1.py'
BF16 = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
# TF32 in convolutions, and one step of SGD from random weights.
ROUNDING = 5e-2
BARE, GRAPH = 'a bare loop', 'recorded'


def contests(small: bool = False) -> Iterator[Figure | Result]:
    """Three pairs; ``small``: two images a batch, also without a GPU, for a trial."""
    if not torch.cuda.is_available() and not small:
        raise NotHere('there is no GPU')
    imagenet: dict[str, Any] = dict(size=64 if small else 224, classes=1000)
    large, little = (2, 2) if small else (256, 64)
    for name, path, batch_size, images in (
        ('gpu R56-R20', DISTILL, little, {}),
        ('gpu R32x4-ShuV1', SHUFFLE, little, {}),
        ('gpu R34-R18', IMAGENET, large, imagenet),
    ):
        iterations = 2 if small else 20 if batch_size > 64 else 100
        rounds = 1 if small else 5
        yield from pair_results(name, path, batch_size, iterations, rounds, **images)


def pair_results(
    name: str,
    path: Path,
    batch_size: int,
    iterations: int = 20,
    rounds: int = 5,
    device: str | None = None,
    **images,
) -> Iterator[Figure | Result]:
    """One pair: what each arm does, and ours against the bare loop and MMRazor."""
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    with ExitStack() as stack:
        pair = Pair(path, batch_size, iterations, device, images, stack)
        pair.check()
        arms: dict[str, Callable] = {
            BARE: pair.bare,
            f'{BARE}, {GRAPH}': partial(pair.bare, graph=True),
            'MMRazor': partial(pair.runner, stock=True),
            'ours': pair.runner,
            f'ours, {GRAPH}': partial(pair.runner, graph=True),
            'ours, stored': partial(pair.runner, stored=True),
            f'ours, stored, {GRAPH}': partial(pair.runner, graph=True, stored=True),
        }
        peaks, epochs = {}, {}
        times: dict[str, list[float]] = {arm: [] for arm in arms}
        for arm, build in arms.items():
            epochs[arm], peaks[arm] = measured_build(build)
        for _ in range(rounds):
            for arm, epoch in epochs.items():
                times[arm].append(seconds_of(epoch) / (iterations * batch_size))
        speed = bf16_speed() if device == 'cuda' else None
        for arm, taken in times.items():
            best = sorted(taken)[len(taken) // 2]
            words = f'{arm}: peak memory {peaks[arm] / 2**30:.2f} GiB'
            if speed:
                share = pair.flops / batch_size / best / speed
                words += f', {100 * share:.1f} % of one large bf16 product'
            yield Figure(f'{name}: {arm}', 1 / best, 'images/s', words)
        ours = f'ours, {GRAPH}'
        for rival, suffix in (
            (f'{BARE}, {GRAPH}', ''), ('MMRazor', ' (MMRazor)'), ('ours', ' (ours)'),
        ):  # fmt: skip
            contest = Contest(
                name + suffix, epochs[ours], epochs[rival], pair.check,
                ours_is=f'{ours}, batch {batch_size}', baseline_is=rival,
                units=iterations * batch_size, unit='image',
            )  # fmt: skip
            yield Result(contest, times[ours], times[rival])


class Pair:
    """The arms of one pair, on the same batch."""

    def __init__(
        self,
        path: Path,
        batch_size: int,
        iterations: int,
        device: str,
        images: dict,
        stack: ExitStack,
    ) -> None:
        self.path, self.batch_size, self.images = path, batch_size, images
        self.iterations, self.device, self.stack = iterations, device, stack
        self.batch = tuple(p.to(device) for p in random_images(batch_size, **images))
        self.amp = device == 'cuda'
        self.flops = 0

    def started(
        self, stock: bool, amp: bool, graph: bool = False, stored: bool = False
    ) -> Runner:
        store = None
        if stored:
            store = dict(dir=self.stack.enter_context(TemporaryDirectory()))
        config = distillation(
            self.batch_size, 0, stock, composed(self.path), store, **self.images
        )
        config['train_dataloader']['batch_size'] = self.batch_size
        if amp:
            config['optim_wrapper'].update(BF16)
        if graph:
            config['train_cfg']['graph'] = True
        runner = self.stack.enter_context(ready_runner(config))
        if graph:  # its log is silent otherwise
            runner.logger.setLevel('INFO')
        return runner

    def check(self) -> None:
        """One step of ours in float32 leads where the bare loop's leads."""
        runner = self.started(stock=False, amp=False)
        student, teacher, sgd = bare(runner, self.device)
        before = weights_of(student)
        runner.train()  # its data are the one batch, in some order
        batches = normalised(runner, [self.batch])
        bare_distillation(student, teacher, sgd, batches)
        ours = BareNetwork(runner.model.architecture)
        require_same_training(ours, student, before, ROUNDING)
        self.flops = count_flops(
            partial(bare_distillation, student, teacher, sgd, batches)
        )

    def bare(self, graph: bool = False) -> Callable[[], None]:
        """An epoch of the bare loop; recorded where there is a GPU."""
        runner = self.started(stock=False, amp=self.amp)
        student, teacher, sgd = bare(runner, self.device)
        layout: dict[str, Any] = dict(memory_format=torch.channels_last)
        student.to(**layout), teacher.to(**layout)
        (batch,) = normalised(runner, [self.batch])
        batch = (batch[0].to(**layout), batch[1])
        static = batch[0].clone(), batch[1].clone()

        def step() -> None:
            with torch.autocast(self.device, torch.bfloat16, enabled=self.amp):
                bare_distillation(student, teacher, sgd, [static])

        launch = step
        if graph and self.device == 'cuda':
            for _ in range(3):
                Recorder().aside(step)
            sgd.zero_grad()
            launch, _ = Recorder().record(step)

        def epoch() -> None:
            for _ in range(self.iterations):
                for kept, new in zip(static, batch, strict=True):
                    kept.copy_(new)
                launch()

        return partial(synchronised, epoch)

    def runner(
        self, stock: bool = False, graph: bool = False, stored: bool = False
    ) -> Callable[[], None]:
        """An epoch of the Runner: MMRazor's, or ours; with the teacher in a store."""
        runner = self.started(stock, self.amp, graph, stored)
        runner.train()  # one step, and what it makes: all rows of the store
        batch = whole_batch(*self.batch)
        if stored:
            (batch,) = runner.train_dataloader  # it tells which rows are its own
            batch['inputs'] = batch['inputs'].to(self.device)
            answers_of(runner).begin()  # which the end of its training has ended
        runner.train_loop.dataloader = SameBatch(
            runner.train_dataloader, batch, self.iterations
        )
        return partial(synchronised, epochs_of(runner))


def composed(path: Path) -> Path | Config:
    """A distillation's config: the file, or a pair's with KD."""
    if path.parent.name != 'pairs':
        return path
    config = Config.fromfile(path)
    method = Config.fromfile(CONFIGS / '_base_/methods/kd.py')
    config.model = compose(config.pair, method.method)
    return config


def measured_build(
    build: Callable[[], Callable[[], None]],
) -> tuple[Callable[[], None], int]:
    """An arm's epoch, run twice, and the bytes that it has needed on the device."""
    if not torch.cuda.is_available():
        epoch = build()
        epoch()
        return epoch, 0
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    epoch = build()
    epoch(), epoch()
    return epoch, torch.cuda.max_memory_allocated() - before


def bare(
    runner: Runner, device: str
) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """Student, teacher and the optimizer that the Runner's config asks for."""
    student, teacher = (network.to(device) for network in bare_networks(runner))
    return student, teacher, sgd_of(runner, student)


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
