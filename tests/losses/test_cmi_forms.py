"""CMILoss with centroids that follow, with a budget, and with other rewards."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.budget import budget_lambda
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.losses.cmi_loss import CMILoss

C, SAMPLES, BATCH = 4, 20000, 250


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(6, C, generator=generator)
    log_q = torch.randn(C, C, generator=generator).log_softmax(1)
    return scores, torch.tensor([0, 1, 2, 1, 1, 0]), log_q


@pytest.fixture(scope='module')
def teacher():
    """Overlapping Gaussians and their maximum-likelihood softmax regression."""
    generator = torch.Generator().manual_seed(0)
    means = 1.0 * torch.randn(C, 6, generator=generator)
    labels = torch.arange(SAMPLES) % C
    inputs = means[labels] + torch.randn(SAMPLES, 6, generator=generator)
    model = nn.Linear(6, C)
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return inputs, labels, model.state_dict()


def statistics_of(model, inputs, labels):
    statistics = ClassStatistics(C)
    statistics.update(model(inputs), labels)
    return statistics


def fine_tune(teacher, epochs, lr=0.1, **arguments):
    """A fine-tune as the hooks set it up: loss, rise of CE and CMI of each epoch."""
    inputs, labels, state = teacher
    model = nn.Linear(6, C)
    model.load_state_dict(state)
    before = statistics_of(model, inputs, labels)
    loss = CMILoss(num_classes=C, **arguments)
    loss.set_centroids(before.log_centroids())
    if loss.controller is not None:
        loss.controller.start(-before.log_likelihood(), len(inputs) // BATCH)
    optimizer = torch.optim.SGD(model.parameters(), lr)
    generator = torch.Generator().manual_seed(1)
    rises, cmis = [], []
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs), generator=generator).split(BATCH):
            optimizer.zero_grad()
            loss(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()
        now = statistics_of(model, inputs, labels)
        rises.append(before.log_likelihood() - now.log_likelihood())
        cmis.append(now.cmi() - before.cmi())
    return loss, torch.tensor(rises), torch.tensor(cmis)


def test_a_budget_is_held(teacher):
    loss, rises, cmis = fine_tune(teacher, 8, lmda=None, form='budget', eps=0.02)
    assert 0.01 < rises.mean() < 0.03  # realised, at eps 0.02
    assert rises.max() < 0.04
    assert cmis[-1] > 0.03  # and spent on something
    assert 0 < loss.controller.lmda_average < 5
    assert loss.controller.steps == 8 * SAMPLES // BATCH


def test_without_a_budget_lambda_lets_go(teacher, monkeypatch):
    from mcmi_plugin.losses import budget_controller

    def of_nothing(average, start, eps, epochs):
        return budget_lambda(average, start, 0.0, epochs)

    monkeypatch.setattr(budget_controller, 'budget_lambda', of_nothing)
    _, rises, _ = fine_tune(teacher, 8, lmda=None, form='budget', eps=0.02)
    # What is left comes of the average's own noise, 0.6 / sqrt(10,000) nats.
    assert rises.mean() < 0.011


def test_a_lambda_past_the_cliff_of_fixed_centroids_is_none_for_those_that_follow(
    teacher,
):
    _, fixed, cmi_fixed = fine_tune(teacher, 5, lmda=2.0)
    _, followed, cmi_followed = fine_tune(teacher, 5, lmda=2.0, form='ema')
    assert fixed[-1] > 0.5 and followed[-1] < 0.25
    assert cmi_followed[-1] > cmi_fixed[-1]


def test_the_form_ema_by_hand(batch):
    scores, labels, log_q = batch
    loss = CMILoss(0.3, C, form='ema')
    loss.set_centroids(log_q)
    p = scores.softmax(1)
    q = log_q.exp()
    for y in (0, 1, 2):  # not class 3, which has no sample
        q[y] = 0.99 * q[y] + 0.01 * p[labels == y].mean(0)
    ce = -p[range(6), labels].log()
    kl = (p * (p / q[labels]).log()).sum(1)
    torch.testing.assert_close(loss(scores, labels), (ce - 0.3 * kl).mean())
    torch.testing.assert_close(loss.log_centroids.exp(), q)


def test_centroids_that_follow_start_above_the_floor():
    log_q = torch.full((C, C), -5000.0).fill_diagonal_(0)
    loss = CMILoss(0.3, C, form='ema')
    loss.set_centroids(log_q)
    expected = torch.full((C, C), 1e-12).fill_diagonal_(1)
    torch.testing.assert_close(loss.log_centroids, expected.log())


def test_the_form_budget_by_hand(batch):
    scores, labels, log_q = batch
    loss = CMILoss(None, C, form='budget', eps=0.5)
    loss.set_centroids(log_q)
    ce = F.cross_entropy(scores, labels).item()
    loss.controller.start(ce - 0.8, batches=16)
    value = loss(scores, labels)
    rise = 0.8 * 4 / 16  # after one step of the moving average
    lmda = 5 * (1 / 16) * (0.5 - rise) / 0.5
    follows = CMILoss(lmda, C, form='ema')
    follows.set_centroids(log_q)
    torch.testing.assert_close(value, follows(scores, labels))
    assert loss.controller.lmda_average.item() == pytest.approx(lmda / 4)


@pytest.mark.parametrize('arguments', [{}, {'form': 'ema'}])
def test_nothing_follows_outside_of_training_or_where_centroids_are_fixed(
    batch, arguments
):
    scores, labels, log_q = batch
    loss = CMILoss(0.3, C, **arguments).train(not arguments)
    loss.set_centroids(log_q)
    before = loss.log_centroids.clone()
    loss(scores, labels)
    assert torch.equal(loss.log_centroids, before)


@pytest.mark.parametrize('form', ['ema', 'budget'])
def test_state_is_whole_in_the_state_dict(batch, form):
    scores, labels, log_q = batch
    arguments = dict(lmda=0.3) if form == 'ema' else dict(lmda=None, eps=0.1)

    def build():
        loss = CMILoss(num_classes=C, form=form, **arguments)
        loss.set_centroids(log_q)
        if form == 'budget':
            loss.controller.start(0.4, 7)
        return loss

    run, resumed = build(), build()
    for factor in (1.0, 0.5):
        run(factor * scores, labels)
    resumed.load_state_dict(run.state_dict(), strict=True)
    for factor in (0.7, 1.3):
        assert torch.equal(
            run(factor * scores, labels), resumed(factor * scores, labels)
        )
    for name, value in run.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_autocast_and_half_scores_move_the_state_in_full_precision(batch, dtype):
    scores, labels, log_q = batch
    losses = [CMILoss(0.3, C, form='ema') for _ in range(2)]
    for loss in losses:
        loss.set_centroids(log_q)
    losses[0](scores.to(dtype).float(), labels)
    with torch.autocast('cpu', dtype):
        assert losses[1](scores.to(dtype), labels).dtype == torch.float32
    assert torch.equal(losses[0].log_centroids, losses[1].log_centroids)


@pytest.mark.parametrize('form', ['ema', 'budget'])
def test_steps_after_the_first_do_not_wait_for_the_device(batch, form):
    # A meta tensor has no values: whatever waits for the device fails on it.
    scores, labels, log_q = batch
    arguments = dict(lmda=0.3) if form == 'ema' else dict(lmda=None, eps=0.1)
    loss = CMILoss(num_classes=C, form=form, **arguments)
    loss.set_centroids(log_q)
    if form == 'budget':
        loss.controller.start(0.4, 7)
    loss(scores, labels)
    assert loss.to('meta')(scores.to('meta'), labels.to('meta')).is_meta


def definitions(scores, labels, log_c):
    """Rewards per sample as written in words, in plain probabilities."""
    p = scores.softmax(1)
    others = ~F.one_hot(labels, C).bool()
    wrong = p[others].view(-1, C - 1)
    weight = wrong.sum(1)
    wrong = wrong / weight[:, None]
    c = log_c.exp()[labels][others].view(-1, C - 1)
    kl = (wrong * (wrong / c).log()).sum(1)
    uniform = torch.full_like(p, 1 / C)
    return dict(
        wrong_class=weight.detach() * kl,
        negative_entropy=(p * (p / uniform).log()).sum(1),
        entropy=-(p * p.log()).sum(1),
    )


@pytest.mark.parametrize(
    'reward', ['wrong_class', 'negative_entropy', 'entropy', 'label_smoothing']
)
def test_other_rewards(batch, reward):
    scores, labels, log_c = (t.double() if t.is_floating_point() else t for t in batch)
    log_c[range(C), range(C)] = -1e30  # as the mean of P without the label has it
    log_c = log_c.log_softmax(1)
    scores.requires_grad_()
    loss = CMILoss(0.2, C, reward=reward).double()
    loss.set_centroids(log_c)
    if reward == 'label_smoothing':
        expected = F.cross_entropy(scores, labels, label_smoothing=0.2)
    else:
        gain = definitions(scores, labels, log_c)[reward].mean()
        expected = F.cross_entropy(scores, labels) - 0.2 * gain
    result = loss(scores, labels)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)
    gradients = [
        torch.autograd.grad(value, scores, retain_graph=True)[0]
        for value in (result, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(lmda=0.1, form='emma'), 'CMILoss.form.*fixed, ema, budget'),
        (dict(lmda=0.1, reward='fame'), 'CMILoss.reward.*wrong_class'),
        (
            dict(lmda=0.1, form='budget', eps=0.1),
            'CMILoss.lmda.*sets lambda itself',
        ),
        (dict(lmda=None, form='budget'), 'CMILoss.eps=None'),
        (dict(lmda=None, form='budget', eps=0), 'CMILoss.eps=0.*above 0'),
        (dict(lmda=None, form='ema'), 'CMILoss.lmda is not set'),
        (dict(lmda=0.1, eps=0.1), 'CMILoss.eps=0.1: is for CMILoss.form=budget'),
        (dict(lmda=0.1, form='ema', reward='entropy'), 'reward=entropy.*form=fixed'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        CMILoss(num_classes=C, **arguments)
    assert '\n' not in str(caught.value)


def test_a_budget_that_was_never_started(batch):
    scores, labels, log_q = batch
    loss = CMILoss(None, C, form='budget', eps=0.1)
    loss.set_centroids(log_q)
    for _ in range(2):
        with pytest.raises(UserError, match='CentroidHook'):
            loss(scores, labels)
