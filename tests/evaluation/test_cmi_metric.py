"""CMIMetric against scipy, over mmengine's sampler and several processes."""

import math
import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gloo import leave
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.registry import METRICS
from scipy.special import entr, rel_entr

import mcmi_plugin.evaluation  # noqa: F401  (registers CMIMetric)
from mcmi_plugin.errors import UserError

KEYS = {'mcmi/cmi', 'mcmi/ll', 'mcmi/entropy'}


def data_set(n: int, c: int = 4, seed: int = 0) -> list[dict]:
    """Outputs of a classifier as mmengine's Evaluator hands them on."""
    generator = torch.Generator().manual_seed(seed)
    scores = (3 * torch.randn(n, c, generator=generator)).softmax(1)
    labels = torch.randint(c, (n, 1), generator=generator)
    return [
        {'pred_score': p, 'gt_label': y, 'pred_label': p.argmax(0, keepdim=True)}
        for p, y in zip(scores, labels, strict=True)
    ]


def two_pass(samples: list[dict]) -> dict[str, float]:
    p = torch.stack([s['pred_score'] for s in samples]).double()
    y = torch.cat([s['gt_label'] for s in samples])
    q = torch.stack([p[y == label].mean(0) for label in y]).numpy()
    log_p = p[range(len(y)), y].log()
    p = p.numpy()
    return {
        'mcmi/cmi': rel_entr(p, q).sum(1).mean(),
        'mcmi/ll': log_p.mean().item(),
        'mcmi/entropy': entr(p).sum(1).mean(),
    }


def process(metric, samples: list[dict], batch_size: int) -> None:
    for start in range(0, len(samples), batch_size):
        metric.process(None, samples[start : start + batch_size])


@pytest.mark.parametrize('batch_size', [1, 3, 16, 50])
def test_against_scipy(batch_size: int) -> None:
    metric, samples = METRICS.build({'type': 'CMIMetric'}), data_set(50)
    process(metric, samples, batch_size)
    result = metric.evaluate(50)
    assert result == pytest.approx(two_pass(samples), abs=1e-12)
    assert all(type(value) is float for value in result.values())


@pytest.mark.parametrize('batch_size', [1, 16])
def test_whole_batches(batch_size: int) -> None:
    """As BatchValLoop hands them on: one dict for all samples of a batch."""
    metric, samples = METRICS.build({'type': 'CMIMetric'}), data_set(50)
    for start in range(0, 50, batch_size):
        part = samples[start : start + batch_size]
        scores = torch.stack([sample['pred_score'] for sample in part])
        labels = torch.cat([sample['gt_label'] for sample in part])
        metric.process(None, [dict(pred_score=scores, gt_label=labels)])
    assert metric.evaluate(50) == pytest.approx(two_pass(samples), abs=1e-12)


def test_a_one_hot_score_is_a_hard_label() -> None:
    metric, samples = METRICS.build({'type': 'CMIMetric'}), data_set(20)
    scored = [
        dict(pred_score=s['pred_score'], gt_score=torch.eye(4)[s['gt_label'].item()])
        for s in samples
    ]
    process(metric, scored, 8)
    assert metric.evaluate(20) == pytest.approx(two_pass(samples), abs=1e-12)


def test_evaluator_evaluates_twice_as_the_distillation_loop_does() -> None:
    student, teacher = data_set(21, seed=1), data_set(21, c=6, seed=2)
    evaluator = Evaluator([{'type': 'CMIMetric'}])
    for samples in (student, teacher):
        for sample in samples:
            evaluator.process([sample])
        assert evaluator.evaluate(21) == pytest.approx(two_pass(samples), abs=1e-12)


def test_prefix_and_a_class_that_is_absent() -> None:
    samples = [s for s in data_set(40) if s['gt_label'] != 2]
    metric = METRICS.build({'type': 'CMIMetric', 'prefix': 'train'})
    process(metric, samples, 8)
    result = metric.evaluate(len(samples))
    expected = {k.replace('mcmi', 'train'): v for k, v in two_pass(samples).items()}
    assert result == pytest.approx(expected, abs=1e-12)


def test_no_sample() -> None:
    result = METRICS.build({'type': 'CMIMetric'}).evaluate(0)
    assert set(result) == KEYS and all(map(math.isnan, result.values()))


def test_underflow_is_floored_at_the_smallest_float32() -> None:
    metric = METRICS.build({'type': 'CMIMetric'})
    sample = {'pred_score': torch.tensor([1.0, 0]), 'gt_label': torch.tensor([1])}
    metric.process(None, [sample])
    result = metric.evaluate(1)
    assert result['mcmi/ll'] == pytest.approx(-149 * math.log(2))
    assert result['mcmi/cmi'] == 0 and result['mcmi/entropy'] < 1e-40


def test_predictions_that_are_nan_name_the_metric_and_reset_it() -> None:
    metric, samples = METRICS.build({'type': 'CMIMetric'}), data_set(9)
    bad = dict(samples[0], pred_score=torch.full((4,), math.nan))
    process(metric, [bad, *samples], 4)
    with pytest.raises(UserError, match='CMIMetric.*NaN'):
        metric.evaluate(10)
    process(metric, samples, 4)
    assert metric.evaluate(9) == pytest.approx(two_pass(samples), abs=1e-12)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'gt_label': torch.tensor([4])}, r'CMIMetric: label 4 is not in \[0, 4\)'),
        ({'gt_label': torch.tensor([0, 1])}, 'several labels, or none'),
        ({'pred_score': None}, 'CMIMetric needs pred_score'),
    ],
)
def test_samples_it_cannot_use(change: dict, message: str) -> None:
    metric = METRICS.build({'type': 'CMIMetric'})
    sample = {k: v for k, v in (data_set(1)[0] | change).items() if v is not None}
    with pytest.raises(UserError, match=message):
        metric.process(None, [sample, sample])


CASES = [(n, round_up) for n in (2, 11, 12, 13) for round_up in (True, False)]


def worker(rank: int, world_size: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=world_size
    )
    results = []
    for n, round_up in CASES:
        samples, metric = data_set(n), METRICS.build({'type': 'CMIMetric'})
        sampler = DefaultSampler(samples, shuffle=True, seed=5, round_up=round_up)
        process(metric, [samples[i] for i in sampler], 2)
        results.append(metric.evaluate(n))
    results.append(METRICS.build({'type': 'CMIMetric'}).evaluate(0))

    metric, bad = METRICS.build({'type': 'CMIMetric'}), data_set(3)
    if rank == 0:  # the others must learn of it, or they would wait for ever
        bad[0]['pred_score'] = torch.full((4,), math.nan)
    metric.process(None, bad)
    with pytest.raises(UserError, match='NaN'):
        metric.evaluate(9)
    torch.save(results, f'{folder}/{rank}.pt')
    leave()


def test_three_processes_equal_one(tmp_path: Path) -> None:
    # Importing the package costs seconds: once, not in each process.
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(worker, (3, str(tmp_path)), 3, start_method='forkserver')
    for rank in range(3):
        *results, empty = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
        for (n, _), result in zip(CASES, results, strict=True):
            metric = METRICS.build({'type': 'CMIMetric'})
            process(metric, data_set(n), 5)
            assert result == pytest.approx(metric.evaluate(n), rel=1e-12, abs=1e-12)
        assert set(empty) == KEYS and all(map(math.isnan, empty.values()))
