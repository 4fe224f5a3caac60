"""LeanDistill in two processes (gloo), against upstream's class in the same two."""

import multiprocessing
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gloo import leave
from mmengine.model import MMDistributedDataParallel
from pairs import VIEWS, batch, build, config, network, sgd


def trained(rank: int, lean: bool, views: bool) -> dict[str, torch.Tensor]:
    """The student after three steps, each rank on batches of its own."""
    student = network(8, **VIEWS) if views else network(8)
    model = build(config(architecture=student), lean)
    wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
    wrapped.train()
    optimizer = sgd(wrapped)
    for step in range(3):
        inputs, samples = batch(10 * rank + step)
        data = dict(inputs=inputs, data_samples=samples)
        wrapped.train_step(data, optimizer)
    if lean:
        assert model._folding.pairs
    return {name: value.detach() for name, value in model.student.named_parameters()}


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
    )
    students = [
        trained(rank, lean, views) for views in (False, True) for lean in (True, False)
    ]
    torch.save(students, f'{folder}/{rank}.pt')
    leave()


def test_two_processes_train_one_student(tmp_path: Path) -> None:
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(worker, (str(tmp_path),), 2, start_method='forkserver')
    first, second = (
        torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2)
    )
    alone = build(config()).student.state_dict()
    # The student of the second pair has to leave channels_last.
    for ours, other, stock in ((0, 0, 1), (2, 2, 3)):
        for name, value in first[ours].items():
            assert torch.equal(value, second[other][name]), name
            # In double precision (see pairs.build): rounding is far below this.
            torch.testing.assert_close(value, first[stock][name], rtol=1e-9, atol=1e-11)
            if ours == 0:
                assert not torch.equal(value, alone[name])  # it has moved
