"""Statistics over several processes (gloo) equal those of one."""

import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gloo import leave

from mcmi_plugin.functional.information import ClassStatistics

NUM_CLASSES = 5
WORLD_SIZES = (1, 2, 3)


def samples(world_size: int, rank: int | None = None):
    """The shard of a rank, or everything; uneven, and rank 1 has no class 0."""
    generator = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(101, NUM_CLASSES, generator=generator)
    labels = torch.randint(NUM_CLASSES, (101,), generator=generator)
    # Only rank 0 has very small probabilities.
    logits[labels == 4] = torch.tensor([0.0, 0, 0, 0, -3000])
    owner = torch.arange(101) % world_size
    owner[labels == 4] = 0
    owner[(labels == 0) & (owner == 1)] = 0
    keep = owner == rank if rank is not None else owner >= 0
    return logits[keep], labels[keep]


def local_statistics(world_size: int, rank: int | None = None) -> ClassStatistics:
    statistics = ClassStatistics(NUM_CLASSES)
    statistics.update(*samples(world_size, rank))
    return statistics


def figures(statistics: ClassStatistics) -> torch.Tensor:
    log_q = statistics.log_centroids()
    scalars = [
        statistics.cmi(),
        statistics.log_likelihood(),
        statistics.entropy(),
        statistics.accuracy(),
        statistics.surrogate(log_q.roll(1, 0)),
    ]
    return torch.cat([torch.tensor(scalars).double(), log_q.flatten()])


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    for world_size in WORLD_SIZES:
        if rank < world_size:
            dist.init_process_group(
                'gloo',
                init_method=f'file://{folder}/{world_size}',
                rank=rank,
                world_size=world_size,
            )
            torch.save(reduced(rank, world_size), f'{folder}/{world_size}-{rank}.pt')
            leave()


def reduced(rank: int, world_size: int) -> tuple[torch.Tensor, ...]:
    shared = local_statistics(world_size, rank)
    if world_size > 1:
        assert (rank == 0) == (shared._log_tail is not None)
        assert (rank == 1) == (shared.counts[0] == 0)
    shared.all_reduce()

    tails = ClassStatistics(2)  # a tail on every rank, of different magnitude
    tails.update(torch.tensor([[0.0, -1000 - rank], [0, 0]]), torch.tensor([0, 1]))
    tails.all_reduce()

    alone = ClassStatistics(NUM_CLASSES)  # no sample but on the last rank
    if rank == world_size - 1:
        alone.update(*samples(world_size))
    alone.all_reduce()
    return figures(shared), tails.log_centroids(), figures(alone)


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('gloo')
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(
        worker, (str(folder),), max(WORLD_SIZES), start_method='forkserver'
    )
    return folder


@pytest.mark.parametrize('world_size', WORLD_SIZES)
def test_equal_to_one_process(world_size: int, folder: Path) -> None:
    expected = figures(local_statistics(world_size))
    tail = -1000 - torch.arange(world_size).double()
    expected_tail = tail.logsumexp(0) - torch.tensor(world_size).double().log()
    for rank in range(world_size):
        file = folder / f'{world_size}-{rank}.pt'
        shared, tails, alone = torch.load(file, weights_only=True)
        torch.testing.assert_close(shared, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(alone, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(tails[0, 1], expected_tail, rtol=1e-14, atol=0)


def test_without_processes_nothing_happens() -> None:
    statistics = local_statistics(1)
    before = figures(statistics)
    statistics.all_reduce()
    assert torch.equal(figures(statistics), before)
