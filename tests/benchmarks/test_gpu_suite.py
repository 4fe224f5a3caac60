"""The suite ``gpu`` has all its arms, and notices when one of them is broken.

At tiny sizes, on a CPU too, and never a time.
"""

from contextlib import ExitStack
from functools import partial
from unittest import mock

import pytest
import torch

from benchmarks import gpu
from benchmarks.harness import Difference, NotHere


def test_gpu_suite_on_a_cpu(monkeypatch):
    suite = partial(gpu.pair_results, 'gpu R56-R20', gpu.DISTILL, 4, 2, 2, 'cpu')
    *figures, bare, stock, ours = suite()
    arms = ['a bare loop', 'a bare loop, recorded', 'MMRazor']
    arms += ['ours', 'ours, recorded', 'ours, stored', 'ours, stored, recorded']
    assert [figure.name.partition(': ')[2] for figure in figures] == arms
    for result in (bare, stock, ours):
        assert len(result.ratios) == 2
        assert result.contest.ours_is.startswith('ours, recorded')
    monkeypatch.setattr(gpu, 'bare_distillation', lambda *args: None)
    with pytest.raises(Difference, match='training'):
        next(suite())


@pytest.mark.parametrize(('stored', 'passes'), [(False, 2), (True, 0)])
def test_a_stored_arm_of_the_gpu_suite_runs_no_teacher(stored, passes, monkeypatch):
    teachers = []
    started = gpu.Pair.started

    def watched(*args):
        teachers.append((runner := started(*args)).model.teacher)
        return runner

    monkeypatch.setattr(gpu.Pair, 'started', watched)
    with ExitStack() as stack:
        pair = gpu.Pair(gpu.DISTILL, 4, 2, 'cpu', {}, stack)
        epoch = pair.runner(stored=stored)
        seen = mock.Mock(return_value=None)
        teachers[0].backbone.register_forward_hook(seen)
        epoch()
    assert seen.call_count == passes


@pytest.mark.parametrize('path', [gpu.SHUFFLE, gpu.IMAGENET, gpu.DISTILL])
def test_every_pair_of_the_gpu_suite_has_its_bare_loop(path):
    config = gpu.distillation(2, path=gpu.composed(path))
    assert config['model']['type'] == 'LeanDistill'
    with gpu.ready_runner(config) as runner:
        student, teacher, sgd = gpu.bare(runner, 'cpu')
    assert sgd.param_groups[0]['momentum'] == 0.9
    with torch.no_grad():
        images = torch.zeros(2, 3, 64, 64)
        assert student(images).shape == teacher(images).shape


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu_is_said():
    with pytest.raises(NotHere, match='there is no GPU'):
        next(gpu.contests())
