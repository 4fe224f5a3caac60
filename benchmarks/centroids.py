"""Centroids, CMI and log-likelihood in one pass, against a pass for centroids alone.

The baseline is written anew after what the authors' released code does at the end
of an epoch: for every batch, every class in it, the sum of the rows with its label;
at the end each row divided by its sum. Their CMI and LL are further passes, which
the baseline is spared. Neither side includes the network's forward pass.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.harness import Contest, Figure, require_close
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.one_pass import collect
from mcmi_plugin.locations import ROOT

IMAGENET = (1_281_167, 1000)
_MEASURE_MEMORY = """
from benchmarks.centroids import streaming_memory
print(streaming_memory({}, {}))
"""


def contests(
    num_samples: int = 50_000,
    num_classes: int = 100,
    streamed: tuple[int, int] = IMAGENET,
) -> Iterator[Contest | Figure]:
    """CIFAR-100's training set; then the memory of ImageNet's, ``(N, C)``."""
    batches = _batches(num_samples, num_classes)

    def ours() -> ClassStatistics:
        statistics = collect(_identity, batches, num_classes)
        statistics.log_centroids(), statistics.cmi(), statistics.log_likelihood()
        return statistics

    def baseline() -> Tensor:
        return centroid_pass(batches, num_classes)

    def check() -> None:
        statistics = ours()
        centroids = statistics.log_centroids().exp()
        require_close('centroids', centroids, baseline(), 1e-5)
        cmi, log_likelihood = _by_definition(batches, centroids)
        require_close('CMI', statistics.cmi(), cmi, 1e-9)
        require_close('LL', statistics.log_likelihood(), log_likelihood, 1e-9)

    yield Contest(
        'centroids',
        ours,
        baseline,
        check,
        ours_is=f'centroids, CMI and LL of {num_samples} x {num_classes}',
        baseline_is="the authors' pass for the centroids alone",
    )
    if Path('/proc/self/status').exists():
        script = _MEASURE_MEMORY.format(*streamed)
        done = subprocess.run(
            [sys.executable, '-c', script],
            cwd=ROOT,  # where this package is
            capture_output=True,
            text=True,
            check=True,
        )
        yield Figure(
            'centroids memory',
            float(done.stdout),
            'MB',
            f'most that a pass over {streamed[0]} x {streamed[1]} has added to the '
            'process, in batches of 256',
        )


def centroid_pass(batches: list[tuple[Tensor, Tensor]], num_classes: int) -> Tensor:
    """The baseline: [C, C] float32, a Python loop over the classes of each batch."""
    centroids = torch.zeros(num_classes, num_classes)
    for logits, labels in batches:
        probs = logits.softmax(1)
        for label in labels.unique():
            centroids[label] += probs[labels == label].sum(0)
    return centroids / centroids.sum(1, keepdim=True)


def streaming_memory(num_samples: int, num_classes: int) -> float:
    """Peak memory in MB of one pass; to be called in a process of its own.

    The batches are views of one block, so that they cost nothing themselves.
    """
    torch.set_num_threads(1)
    block = torch.randn(512, num_classes)
    labels = torch.randint(num_classes, (512,))
    labels[: min(num_classes, 512)] = torch.arange(min(num_classes, 512))
    small = [(torch.randn(2, 2), torch.tensor([0, 1]))]
    collect(_identity, small, 2).cmi()  # what libraries load at their first use
    before = _status('VmRSS')
    stream = (
        (block[start : start + size], labels[start : start + size])
        for start, size in (
            (number % 256, min(256, num_samples - number))
            for number in range(0, num_samples, 256)
        )
    )
    collect(_identity, stream, num_classes).cmi()
    return _status('VmHWM') - before


def _identity(logits: Tensor) -> Tensor:
    return logits


def _batches(num_samples: int, num_classes: int) -> list[tuple[Tensor, Tensor]]:
    """Logits of a fairly good network, in batches of 64 as for training."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(num_samples) % num_classes
    labels = labels[torch.randperm(num_samples, generator=generator)]
    logits = 2 * torch.randn(num_samples, num_classes, generator=generator)
    logits[torch.arange(num_samples), labels] += 4
    return list(zip(logits.split(64), labels.split(64), strict=True))


def _by_definition(batches: list, centroids: Tensor) -> tuple[float, float]:
    """CMI as a mean of KL divergences (eq. 12), and LL, in nats, in two passes."""
    logits, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    log_p = logits.double().log_softmax(1)
    kl = (log_p.exp() * (log_p - centroids.log()[labels])).sum(1)
    return float(kl.mean()), float(log_p.gather(1, labels[:, None]).mean())


def _status(key: str) -> float:
    """VmRSS or VmHWM, the process's memory now or at most, in MB."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise KeyError(key)
