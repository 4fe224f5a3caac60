"""No step waits for the device: each method and each loss, walked on one.

What is registered is walked: a new loss is here by itself.
"""

import devices
import pytest
import torch
from devices import DEVICES, Waited, on
from mmengine import registry
from torch import nn
from walked import BATCH, CLASSES, METHODS, config_of, model_of, registered, walk

from mcmi_plugin.config_file import read_config
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.losses.cmi_arguments import BUDGETED, FORMS, REWARDS

# Where another test here walks it.
NOT_IN_A_METHOD = {'CMILoss'}


def losses() -> list[str]:
    return [
        name
        for name, kind in registered('MODELS').items()
        if kind.__module__.startswith('mcmi_plugin.losses.')
    ]


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('method', METHODS)
def test_a_step_of_a_method(method: str, device: str) -> None:
    walk(model_of(method), device)


@pytest.mark.parametrize('name', sorted({*losses()} - NOT_IN_A_METHOD))
def test_every_loss_is_in_a_method(name: str) -> None:
    used = {
        loss['type'].rpartition('.')[2]
        for method in METHODS
        for loss in config_of(method)['distiller']['distill_losses'].values()
    }
    assert name in used, 'nobody walks it: add its method, or a test of its own'


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'loss',
    [
        *[dict(form=form) for form in FORMS],
        *[dict(reward=reward) for reward in REWARDS],
        dict(lmda=0.0),
    ],
    ids=lambda loss: '-'.join(map(str, loss.values())),
)
def test_a_step_of_a_teacher(loss: dict, device: str) -> None:
    cfg = read_config(str(CONFIGS / '_base_/models/cifar/resnet8.py')).model
    lmda = None if loss.get('form') in BUDGETED else 0.1
    own = dict(type='CMILoss', lmda=lmda, num_classes=CLASSES) | loss
    if lmda is None:
        own['eps'] = 0.1
    cfg.head.update(num_classes=CLASSES, loss=own)
    cfg.data_preprocessor = dict(type='ClsDataPreprocessor', mean=[100], std=[50])
    with registry.MODELS.switch_scope_and_registry('mmpretrain') as models:
        model = models.build(cfg)
    part = model.head.loss_module
    part.set_centroids(torch.full((CLASSES, CLASSES), 1 / CLASSES).log())
    part.old = torch.zeros(BATCH, CLASSES), part.log_centroids
    if part.controller is not None:
        part.controller.start(1.0, 10)

    def moved(place) -> None:
        part.statistics = ClassStatistics(CLASSES, place.device, track_tail=False)
        old = place.tensor(torch.zeros(BATCH, CLASSES))
        part.old = (old, part.log_centroids)

    walk(model, device, moved)


@pytest.mark.parametrize('device', DEVICES)
def test_one_hot_labels(device: str) -> None:
    loss = registry.MODELS.build(dict(type='CMILoss', lmda=0.0, num_classes=CLASSES))
    one_hot = torch.eye(CLASSES)[:BATCH]
    loss(torch.zeros(BATCH, CLASSES), one_hot)
    with on(device) as place:
        loss = place.move(loss)
        found = loss(place.tensor(torch.zeros(BATCH, CLASSES)), place.tensor(one_hot))
        assert found.device.type == device


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'waits',
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: x[x > 0],
        lambda x: x.cpu(),
        lambda x: bool(x.any()),
        lambda x: x + torch.ones(len(x)),
        lambda x: torch.ones(len(x)).to(x.device),
        lambda x: x[torch.tensor([0])],
        lambda x: x.nonzero(),
    ],
)
def test_what_waits_is_seen(waits, device: str) -> None:
    """Or the tests above would show nothing."""
    with on(device) as place, pytest.raises((RuntimeError, Waited)):
        waits(place.tensor(torch.ones(3)))


class WaitsBehind(torch.autograd.Function):
    """The identity; its gradient is looked at."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * gradient.sum().item()


@pytest.mark.parametrize('device', DEVICES)
def test_what_waits_in_backward_is_seen(device: str) -> None:
    with on(device) as place:
        x = place.tensor(torch.ones(3)).requires_grad_()
        x.exp().sum().backward()
        assert x.grad.device.type == device
        with pytest.raises((RuntimeError, Waited)):
            WaitsBehind.apply(x).sum().backward()


def test_backward_node_by_node_is_backward() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 5),
    )
    images, found = torch.randn(2, 3, 8, 8), []
    for backward in (torch.Tensor.backward, devices._backward):
        network.zero_grad()
        logits = network(images)
        loss = torch.cat([logits, 2 * logits], 1).std(1).sum() + logits[:, 1:].norm()
        backward(loss)
        found.append([parameter.grad for parameter in network.parameters()])
    torch.testing.assert_close(*found)
