"""Two processes share an epoch without a sample too many, and count each once."""

import multiprocessing
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from gloo import leave
from mmengine.dataset import DefaultSampler
from mmengine.registry import METRICS

from mcmi_plugin.datasets import SyntheticGaussian
from mcmi_plugin.fast import ResidentLoader

CASES = [(n, round_up) for n in (1, 10, 11) for round_up in (True, False)]


def split(number: int) -> SyntheticGaussian:
    pipeline = [dict(type='PackInputs')]
    return SyntheticGaussian('train', num_train=number, pipeline=pipeline)


def scores(inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Right for about half of the samples."""
    return F.one_hot((labels + (inputs[:, 0] > 0)) % 10, 10).float()


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
    )
    found = []
    for number, round_up in CASES:
        dataset = split(number)
        sampler = DefaultSampler(dataset, seed=1, round_up=round_up)
        loader = ResidentLoader(dataset, 3, sampler=sampler)
        metric = METRICS.build(dict(type='BatchAccuracy'))
        indices, draws = [], loader._generator(0).initial_seed()
        for batch in loader:
            (sample,) = batch['data_samples']
            indices += sample.sample_idx.tolist()
            score = scores(batch['inputs'], sample.gt_label)
            metric.process(None, [dict(pred_score=score, gt_label=sample.gt_label)])
        accuracy = metric.evaluate(number)['accuracy/top1']
        found.append((indices, list(sampler), accuracy, draws))
    torch.save(found, f'{folder}/{rank}.pt')
    leave()


def test_two_processes(tmp_path: Path) -> None:
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(worker, (str(tmp_path),), 2, start_method='forkserver')
    found = [torch.load(tmp_path / f'{r}.pt', weights_only=True) for r in range(2)]
    for (number, round_up), *processes in zip(CASES, *found, strict=True):
        indices = [process[0] for process in processes]
        assert indices == [process[1] for process in processes]  # mmengine's order
        assert set(sum(indices, [])) == set(range(number))
        if round_up:  # as many steps in each
            assert len(indices[0]) == len(indices[1]) == -(-number // 2)
        else:
            assert len(indices[0]) + len(indices[1]) == number
        data = split(number)
        inputs = torch.stack([data[i]['inputs'] for i in range(number)])
        hits = inputs[:, 0] <= 0
        for process in processes:
            assert abs(process[2] - 100 * hits.double().mean()) < 1e-9
        assert processes[0][3] != processes[1][3]  # each augments by numbers of its own
