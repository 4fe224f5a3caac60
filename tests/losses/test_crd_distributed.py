"""CRD on two processes (gloo): equal banks, and those of one process."""

import multiprocessing
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gloo import leave
from torch.nn.functional import normalize

from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

LABELS = torch.arange(24) % 3


def run(rank: int, world_size: int) -> dict[str, torch.Tensor]:
    """Three steps on a rank's share of batches of eight."""
    torch.manual_seed(rank)  # so that the banks would start apart
    loss = CRDContrastLoss(embed_dim=4, num_negatives=6)
    loss.prepare(LABELS)
    if world_size == 1:  # start from the banks of the two
        torch.manual_seed(0)
        loss.prepare(LABELS)
    generator = torch.Generator().manual_seed(7)
    for _ in range(3):
        student, teacher = normalize(torch.randn(2, 8, 4, generator=generator), dim=2)
        # A sampler pads the last batch: one sample may come to both processes.
        index = torch.randperm(24, generator=generator)[:8]
        index[7] = index[0]
        share = slice(rank, None, world_size)
        samples = [SimpleNamespace(sample_idx=i) for i in index[share].tolist()]
        loss(student[share], teacher[share], samples)
    return {name: value.clone() for name, value in loss.state_dict().items()}


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
    )
    torch.save(run(rank, 2), f'{folder}/{rank}.pt')
    leave()


def test_banks_stay_equal(tmp_path: Path) -> None:
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(worker, (str(tmp_path),), 2, start_method='forkserver')
    first, second = (
        torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2)
    )
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert (first['normaliser'] > 0).all()
    # The negatives differ, and with them Z; the banks depend on the samples alone.
    alone = run(0, 1)
    for name in ('student_bank', 'teacher_bank'):
        torch.testing.assert_close(first[name], alone[name])
