"""Distillation on a GPU: ours, MMRazor's own, and a bare loop of the same precision.

All take batches that are on the device already, in bf16 autocast; ours and the bare
loop use channels_last and ``torch.compile``, MMRazor's as it is. Whether ours
and the bare loop lead to the same student is checked in float32, without compiling.

The floor is the arithmetic of a step at the speed of one large bf16 product on this
device; batch norm and ReLU, which move memory and multiply little, keep any ResNet
far from it.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch
from mmengine.runner import Runner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mcmi_plugin.benchmark.distillation import DISTILL, distillation
from mcmi_plugin.benchmark.harness import (
    Contest,
    Figure,
    NotHere,
    require_same_training,
    weights_of,
)
from mcmi_plugin.benchmark.images import random_images, whole_batch
from mcmi_plugin.benchmark.networks import CONFIGS
from mcmi_plugin.benchmark.runners import epochs_of, ready_runner
from mcmi_plugin.benchmark.step import bare_distillation, bare_networks, normalised

IMAGENET = CONFIGS / 'mcmi/r34_r18_imagenet.py'
BF16 = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))


def contests() -> Iterator[Contest | Figure]:
    """R34 to R18 at 224 pixels, batch 256, and R56 to R20 at batch 64."""
    if not torch.cuda.is_available():
        raise NotHere('there is no GPU')
    pairs = (
        ('gpu R34-R18', IMAGENET, 256, dict(size=224, classes=1000)),
        ('gpu R56-R20', DISTILL, 64, dict()),
    )
    for name, path, batch_size, images in pairs:
        yield from pair_contests(name, path, batch_size, images)


def pair_contests(
    name: str,
    path: Path,
    batch_size: int,
    images: dict,
    device: str = 'cuda',
    iterations: int = 20,
) -> Iterator[Contest | Figure]:
    """One pair; on a CPU without autocast and compilation, to try the suite itself."""
    batch = [part.to(device) for part in random_images(batch_size, **images)]
    amp = device == 'cuda'

    def config(stock: bool, amp: bool) -> dict:
        values = distillation(batch_size, 0, stock, path, **images)
        if amp:
            values['optim_wrapper'].update(BF16)
            values['compile'] = not stock
        return values

    def start(stack: ExitStack, stock: bool, amp: bool) -> Runner:
        """A Runner whose epochs are the batch on the device, again and again."""
        runner = stack.enter_context(ready_runner(config(stock, amp)))
        return runner

    def feed(runner: Runner, iterations: int) -> None:
        runner.train_loop.dataloader = DeviceBatches(
            runner.train_dataloader, whole_batch(*batch), iterations
        )

    def check() -> None:
        with ExitStack() as stack:
            runner = start(stack, stock=False, amp=False)
            student, teacher = (net.to(device) for net in bare_networks(runner))
            before = weights_of(student)
            # Its own data set's one batch, which is the one here.
            runner.train()
            inputs = normalised(runner, [batch])
            bare_distillation(student, teacher, sgd_like(runner, student), inputs)
            ours = runner.model.architecture
            require_same_training(ours, _like(student, ours), before, 5e-2)

    with ExitStack() as stack:
        lean, stock = start(stack, False, amp), start(stack, True, amp)
        student, teacher = (net.to(device) for net in bare_networks(lean))
        for runner in (lean, stock):
            runner.train()
            feed(runner, iterations)
        sgd = sgd_like(lean, student)
        batches = normalised(lean, [batch]) * iterations
        flops = count_flops(partial(bare_distillation, student, teacher, sgd, batches[:1]))
        if amp:
            layout = dict(memory_format=torch.channels_last)
            batches = [(x.to(**layout), y) for x, y in batches]
            student, teacher = (
                torch.compile(net.to(**layout)) for net in (student, teacher)
            )
        bare = partial(bare_distillation, student, teacher, sgd, batches)

        def baseline() -> None:
            with torch.autocast(device, torch.bfloat16, enabled=amp):
                bare()
            synchronise(device)

        def ours() -> None:
            epochs_of(lean)()
            synchronise(device)

        def stock_epoch() -> None:
            epochs_of(stock)()
            synchronise(device)

        yield Contest(
            name,
            ours,
            baseline,
            lambda: (check(), ours(), baseline()),  # compiled before they are timed
            ours_is=f'the Runner, batch {batch_size}',
            baseline_is='a bare loop, same precision and layout, compiled',
            rounds=9,
            units=iterations * batch_size,
            unit='image',
        )
        stock_epoch()
        speeds = {
            who: iterations * batch_size / _median_time(call)
            for who, call in (('ours', ours), ('MMRazor', stock_epoch), ('bare', baseline))
        }
        what = ', '.join(f'{who} {speed:.0f}' for who, speed in speeds.items())
        yield Figure(
            f'{name}, against MMRazor',
            speeds['ours'] / speeds['MMRazor'],
            'times as fast',
            f'images/s: {what}',
        )
        if amp:
            floor = flops / bf16_speed()
            yield Figure(
                f'{name}, floor',
                batch_size / speeds['ours'] / floor,
                'x the floor',
                f'{flops / 1e9:.0f} GFLOP a step take {floor * 1e3:.2f} ms as one product',
            )


class DeviceBatches:
    """A loader of one batch, again and again; the rest is that of another loader."""

    def __init__(self, loader, batch: dict, number: int) -> None:
        self.dataset, self.sampler = loader.dataset, loader.sampler
        self.batch_sampler = loader.batch_sampler
        self.batch, self.number = batch, number

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[dict]:
        for _ in range(self.number):
            yield dict(self.batch)


def sgd_like(runner: Runner, network: nn.Module) -> torch.optim.SGD:
    """The optimizer that a Runner's config asks for, for a bare network."""
    options = dict(runner.cfg.optim_wrapper.optimizer)
    options.pop('type')
    return torch.optim.SGD(network.parameters(), **options)


def count_flops(step) -> int:
    """Floating-point operations of one step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def bf16_speed(size: int = 8192) -> float:
    """FLOP/s of one large bf16 product on this GPU, the best of 10."""
    a, b = (torch.randn(size, size, device='cuda').bfloat16() for _ in range(2))

    def product() -> None:
        a @ b
        synchronise('cuda')

    product()
    return 2 * size**3 / min(_time(product) for _ in range(10))


def synchronise(device: str) -> None:
    """Wait for the device."""
    if device == 'cuda':
        torch.cuda.synchronize()


def _like(network: nn.Module, classifier: nn.Module) -> nn.Module:
    """A bare network's weights in the classifier's order."""
    from mcmi_plugin.benchmark.networks import BareNetwork

    assert list(BareNetwork(classifier).state_dict()) == list(network.state_dict())
    return network


def _time(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _median_time(call, rounds: int = 5) -> float:
    return statistics.median(_time(call) for _ in range(rounds))
