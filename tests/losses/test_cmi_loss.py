"""CMILoss as a module of mmpretrain's heads."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

import mcmi_plugin.losses  # noqa: F401  (registers CMILoss)
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics

C = 4


def build(lmda=0.3, num_classes=C, log_q=None):
    module = MODELS.build({'type': 'CMILoss', 'lmda': lmda, 'num_classes': num_classes})
    if log_q is not None:
        module.set_centroids(log_q)
    return module


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    scores = 3 * torch.randn(6, C, generator=generator)
    log_q = torch.randn(C, C, generator=generator).log_softmax(1)
    return scores, torch.tensor([0, 1, 2, 3, 3, 0]), log_q


def definition(scores, labels, log_q, lmda):
    """-(eq. 14) per sample, as written in the paper."""
    p = scores.softmax(1)
    kl = (p * (p / log_q.exp()[labels]).log()).sum(1)
    return -p[range(len(labels)), labels].log() - lmda * kl


def test_value_gradient_and_reductions(batch) -> None:
    scores, labels, log_q = batch
    scores.requires_grad_()
    module, expected = build(log_q=log_q), definition(*batch, 0.3)
    weight = torch.arange(6.0)
    for result, reference in [
        (module(scores, labels), expected.mean()),
        (module(scores, labels, avg_factor=6), expected.mean()),
        (module(scores, labels, avg_factor=4), expected.sum() / 4),
        (module(scores, labels, reduction_override='sum'), expected.sum()),
        (module(scores, labels, reduction_override='none'), expected),
        (module(scores, labels, weight), (weight * expected).mean()),
        (module(scores, labels, weight, 15), (weight * expected).sum() / 15),
    ]:
        torch.testing.assert_close(result, reference)
        torch.testing.assert_close(
            torch.autograd.grad(result.sum(), scores, retain_graph=True),
            torch.autograd.grad(reference.sum(), scores, retain_graph=True),
        )


def test_gradcheck_in_float64(batch) -> None:
    scores, labels, log_q = (t.double() if t.is_floating_point() else t for t in batch)
    module = build().double()
    module.set_centroids(log_q)
    inputs = scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: module(x, labels), inputs)


def test_lambda_zero_is_cross_entropy_without_centroids(batch) -> None:
    scores, labels, _ = batch
    result = build(lmda=0)(scores, labels)
    torch.testing.assert_close(result, F.cross_entropy(scores, labels))


@pytest.mark.parametrize('lmda', [0, 0.3])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_autocast_and_half_scores_compute_in_float32(batch, dtype, lmda) -> None:
    scores, labels, log_q = batch
    expected = definition(scores.to(dtype).float(), labels, log_q, lmda).mean()
    with torch.autocast('cpu', dtype):
        result = build(lmda, log_q=log_q)(scores.to(dtype), labels)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected)


def test_state_dict_round_trip(batch) -> None:
    scores, labels, log_q = batch
    trained, fresh = build(log_q=log_q), build()
    fresh.load_state_dict(trained.state_dict(), strict=True)
    assert torch.equal(fresh(scores, labels), trained(scores, labels))
    build().load_state_dict(build().state_dict(), strict=True)


def test_statistics_see_every_batch_detached(batch) -> None:
    scores, labels, log_q = batch
    module, reference = build(log_q=log_q), ClassStatistics(C)
    plain = module(scores, labels)
    module.statistics = ClassStatistics(C, track_tail=False)
    scores.requires_grad_()
    for _ in range(2):
        assert module(scores, labels) == plain
        reference.update(scores, labels)
    assert module.statistics.cmi() == reference.cmi() > 0
    assert module.statistics.counts.sum() == 12
    assert not module.statistics.prob_sum.requires_grad
    assert list(module.state_dict()) == ['log_centroids']


@pytest.mark.parametrize('lmda', [0, 0.3])
def test_steps_after_the_first_do_not_wait_for_the_device(batch, lmda) -> None:
    # A meta tensor has no values: whatever waits for the device fails on it.
    scores, labels, log_q = batch
    module = build(lmda, log_q=log_q)
    module(scores, labels)
    module.to('meta').statistics = ClassStatistics(C, 'meta', track_tail=False)
    assert module(scores.to('meta'), labels.to('meta')).is_meta


def test_inside_a_linear_head(batch) -> None:
    scores, labels, log_q = batch
    head = MODELS.build(
        {
            'type': 'LinearClsHead',
            'num_classes': C,
            'in_channels': 5,
            'loss': {'type': 'CMILoss', 'lmda': 0.3, 'num_classes': C},
        }
    )
    head.loss_module.set_centroids(log_q)
    features = torch.randn(6, 5)
    samples = [DataSample().set_gt_label(label.item()) for label in labels]
    loss = head.loss((features,), samples)['loss']
    loss.backward()
    expected = definition(head.fc(features), labels, log_q, 0.3).mean()
    weight = torch.autograd.grad(expected, head.fc.weight)[0]
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(head.fc.weight.grad, weight)
    one_hot = [DataSample().set_gt_score(row) for row in torch.eye(C)[labels]]
    assert head.loss((features,), one_hot)['loss'] == loss
    soft = [DataSample().set_gt_score(torch.full((C,), 1 / C)) for _ in labels]
    with pytest.raises(UserError, match='mixup'):
        head.loss((features,), soft)


@pytest.mark.parametrize('lmda', [-0.1, math.nan, math.inf, '0.1', None, True])
def test_bad_lambda(lmda) -> None:
    with pytest.raises(UserError, match='lmda'):
        build(lmda)


@pytest.mark.parametrize('num_classes', [1, 0, 2.0, None])
def test_bad_num_classes(num_classes) -> None:
    with pytest.raises(UserError, match='num_classes'):
        build(num_classes=num_classes)


def test_centroids_never_set(batch) -> None:
    scores, labels, log_q = batch
    module = build()
    for _ in range(2):
        with pytest.raises(UserError, match='set_centroids'):
            module(scores, labels)
    module.set_centroids(log_q)
    assert module(scores, labels).isfinite()


@pytest.mark.parametrize(
    ('log_q', 'message'),
    [
        (torch.zeros(3, 3), r'\[3, 3\] but CMILoss.num_classes is 4'),
        (torch.full((C, C), math.nan), 'not finite'),
        (torch.full((C, C), math.inf), 'not finite'),
        (torch.full((C, C), 1 / C), 'must be log-probabilities'),
    ],
)
def test_bad_centroids(log_q, message) -> None:
    module = build()
    with pytest.raises(ValueError, match=message):
        module.set_centroids(log_q)
    assert module.log_centroids.isnan().all()


@pytest.mark.parametrize('dtype', [torch.int64, torch.float32, torch.float16])
def test_one_hot_rows_are_hard_labels(batch, dtype) -> None:
    scores, labels, log_q = batch
    rows = F.one_hot(labels, C).to(dtype)
    assert build(log_q=log_q)(scores, rows) == build(log_q=log_q)(scores, labels)


@pytest.mark.parametrize('lmda', [0, 0.3])
@pytest.mark.parametrize(
    ('shape', 'labels', 'message'),
    [
        ((2, 5), torch.tensor([0, 1]), '5 columns but CMILoss.num_classes is 4'),
        ((2, C), torch.full((2, C), 1 / C), 'hard labels needed: remove mixup/cutmix'),
        ((2, C), torch.ones(2, C), 'hard labels needed'),
        ((2, C), torch.zeros(2, C), 'hard labels needed'),
        ((2, C), torch.eye(5)[:2], 'label has 5 columns'),
        ((2, C), torch.tensor([0.0, 1.0]), 'hard labels needed'),
        ((2, C), torch.tensor([0, 4]), r'label 4 is not in \[0, 4\)'),
        ((2, C), torch.tensor([-1, 0]), r'label -1 is not in \[0, 4\)'),
    ],
)
def test_bad_batches(batch, lmda, shape, labels, message) -> None:
    with pytest.raises(UserError, match=message):
        build(lmda, log_q=batch[2])(torch.zeros(shape), labels)
