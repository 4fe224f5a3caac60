"""Centroids and a budget's state over several processes (gloo) equal those of one."""

import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gloo import leave

from mcmi_plugin.losses.cmi_loss import CMILoss

C, BATCH, STEPS = 5, 23, 4
WORLD_SIZES = (1, 2, 3)
FORMS = {
    'ema': dict(lmda=0.4, form='ema'),
    'budget': dict(lmda=None, form='budget', eps=0.3),
}


def steps(form: str, world_size: int = 1, rank: int = 0) -> dict[str, torch.Tensor]:
    """The state after a few steps on a rank's share of each batch, in float64.

    Shares are uneven, rank 1 has no class 0, and class 4 is in no batch.
    """
    generator = torch.Generator().manual_seed(3)
    q0 = torch.randn(C, C, generator=generator, dtype=torch.float64).log_softmax(1)
    loss = CMILoss(num_classes=C, **FORMS[form]).double()
    loss.set_centroids(q0)
    if form == 'budget':
        loss.controller.start(2.0, 10)
    lambdas = []
    for _ in range(STEPS):
        logits = torch.randn(BATCH, C, generator=generator, dtype=torch.float64)
        labels = torch.randint(C - 1, (BATCH,), generator=generator)
        owner = torch.arange(BATCH) % world_size
        owner[(labels == 0) & (owner == 1)] = 0
        share = owner == rank
        loss(logits[share], labels[share])
        if form == 'budget':
            lambdas.append(loss.controller.lmda_average.clone())
    return loss.state_dict() | dict(lambdas=torch.tensor(lambdas))


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
            states = {form: steps(form, world_size, rank) for form in FORMS}
            torch.save(states, f'{folder}/{world_size}-{rank}.pt')
            leave()


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('gloo')
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(
        worker, (str(folder),), max(WORLD_SIZES), start_method='forkserver'
    )
    return folder


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('world_size', WORLD_SIZES)
def test_equal_to_one_process(form: str, world_size: int, folder: Path) -> None:
    expected = steps(form)
    if form == 'budget':
        assert 0 < expected['lambdas'][-1] < 5  # neither spent nor untouched
    first = torch.load(folder / f'{world_size}-0.pt', weights_only=True)[form]
    for rank in range(world_size):
        file = folder / f'{world_size}-{rank}.pt'
        state = torch.load(file, weights_only=True)[form]
        for name, value in expected.items():
            torch.testing.assert_close(state[name], value, rtol=1e-12, atol=1e-12)
            assert torch.equal(state[name], first[name]), name
