"""BatchAccuracy against mmpretrain's Accuracy and by hand."""

import math

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import METRICS
from mmpretrain.evaluation import Accuracy

import mcmi_plugin.evaluation  # noqa: F401  (registers BatchAccuracy)
from mcmi_plugin.errors import UserError


def predictions(number: int, classes: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(number, classes, generator=generator).softmax(1)
    return scores, torch.randint(classes, (number,), generator=generator)


def by_image(scores: torch.Tensor, labels: torch.Tensor) -> list[dict]:
    pairs = zip(scores, labels.split(1), strict=True)
    return [dict(pred_score=score, gt_label=label) for score, label in pairs]


def test_batches_and_images_as_mmpretrain() -> None:
    scores, labels = predictions(103)
    stock = Evaluator([Accuracy(topk=(1, 3))])
    stock.process(by_image(scores, labels))
    expected = stock.evaluate(103)
    assert set(expected) == {'accuracy/top1', 'accuracy/top3'}
    metric = METRICS.build(dict(type='BatchAccuracy', topk=(1, 3)))
    for size in (103, 10, 1):
        for score, label in zip(scores.split(size), labels.split(size), strict=True):
            metric.process(None, [dict(pred_score=score, gt_label=label)])
        assert metric.evaluate(103) == pytest.approx(expected, rel=1e-6)
    metric.process(None, by_image(scores, labels))
    assert metric.evaluate(103) == pytest.approx(expected, rel=1e-6)


def test_by_hand() -> None:
    scores = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [1.0, 0, 0], [1.0, 0, 0]])
    labels = torch.tensor([0, 1, 0, 1])  # the last one's score has underflowed
    metric = METRICS.build(dict(type='BatchAccuracy', topk=(1, 2), prefix='student'))
    metric.process(None, [dict(pred_score=scores, gt_label=labels)])
    assert metric.evaluate(4) == {'student/top1': 50.0, 'student/top2': 75.0}
    assert math.isnan(metric.evaluate(0)['student/top1'])


@pytest.mark.parametrize(
    ('topk', 'labels', 'message'),
    [(7, 2, r'topk=\(7,\): there are 6'), (1, 3, 'one gt_label per image')],
)
def test_what_it_cannot_use(topk: int, labels: int, message: str) -> None:
    metric = METRICS.build(dict(type='BatchAccuracy', topk=topk))
    scores, _ = predictions(2)
    with pytest.raises(UserError, match=message):
        metric.process(None, [dict(pred_score=scores, gt_label=torch.zeros(labels))])
