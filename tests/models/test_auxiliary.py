"""Rotations, losses and frozen parts of the classifier with auxiliary classifiers."""

import math

import numpy as np
import pytest
import torch
from golden_runners_zoo import CONFIGS
from mmengine.config import Config
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn

from mcmi_plugin.models.auxiliary import rotate
from mcmi_plugin.models.taps import TAPS

LABELS = [7, 3]


def build_auxiliary(**options) -> nn.Module:
    torch.manual_seed(0)
    config = Config.fromfile(CONFIGS / 'wrn_16_1.py').model
    config.update(type='AuxiliaryImageClassifier', **options)
    model = MODELS.build(config)
    model.init_weights()
    return model


@pytest.fixture
def batch() -> tuple[torch.Tensor, list[DataSample]]:
    torch.manual_seed(1)
    samples = [DataSample().set_gt_label(label) for label in LABELS]
    return torch.randn(2, 3, 32, 32), samples


def recorded_loss(model: nn.Module, batch: tuple) -> tuple[dict, dict]:
    """Losses, and the logits where the distiller's recorders look for them."""
    taps = TAPS['wrn_16_1']
    logits = {}
    for name in [taps['logits'], *taps['auxiliary']]:
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: logits.update({name: output})
        )
    return model(*batch, mode='loss'), logits


def test_rotations_of_an_image_follow_one_another() -> None:
    images = torch.randn(2, 3, 4, 4)
    rotated = rotate(images)
    assert rotated.shape == (8, 3, 4, 4)
    for n in range(2):
        for k in range(4):
            expected = np.rot90(images[n].numpy(), k, axes=(1, 2))
            assert (rotated[4 * n + k].numpy() == expected).all()


def test_student_learns_from_upright_images_alone(batch: tuple) -> None:
    losses, logits = recorded_loss(build_auxiliary(), batch)
    assert list(losses) == ['loss']
    assert logits['head.fc'].shape == (8, 100)
    assert all(logits[f'auxiliary.{i}'].shape == (8, 400) for i in range(3))
    scores = logits['head.fc'].detach().double().numpy()
    expected = [
        -scores[4 * n, y] + np.log(np.exp(scores[4 * n]).sum())
        for n, y in enumerate(LABELS)
    ]
    assert losses['loss'].item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_auxiliary_gradient_reaches_every_stage(batch: tuple) -> None:
    model = build_auxiliary()
    _, logits = recorded_loss(model, batch)
    sum(logits[f'auxiliary.{i}'].square().mean() for i in range(3)).backward()
    for part in (model.auxiliary, model.backbone.conv1, model.backbone.layer3):
        assert all(p.grad is not None for p in part.parameters())


def test_auxiliary_only_trains_nothing_else(batch: tuple) -> None:
    model = build_auxiliary(auxiliary_only=True).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    losses, logits = recorded_loss(model, batch)
    assert list(losses) == [f'loss_auxiliary_{i}' for i in range(3)]
    for i in range(3):
        scores = logits[f'auxiliary.{i}'].detach().double().numpy()
        expected = [
            -scores[4 * n + k, 4 * y + k] + np.log(np.exp(scores[4 * n + k]).sum())
            for n, y in enumerate(LABELS)
            for k in range(4)
        ]
        loss = losses[f'loss_auxiliary_{i}'].item()
        assert loss == pytest.approx(np.mean(expected), rel=1e-5)
        assert math.log(400) / 2 < loss < math.log(400) * 2
    trainable = [p for p in model.parameters() if p.requires_grad]
    sum(losses.values()).backward()
    torch.optim.SGD(trainable, lr=0.1).step()
    for key, value in model.state_dict().items():
        assert value.equal(before[key]) != key.startswith('auxiliary.'), key


def test_prediction_is_the_plain_networks(batch: tuple) -> None:
    model = build_auxiliary().eval()
    config = Config.fromfile(CONFIGS / 'wrn_16_1.py').model
    plain = MODELS.build(config).eval()
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert not missing
    assert all(key.startswith('auxiliary.') for key in unexpected)
    with torch.no_grad():
        torch.testing.assert_close(model(batch[0]), plain(batch[0]))


def test_auxiliary_convolutions_start_like_the_backbones() -> None:
    branch = build_auxiliary().auxiliary[0]
    conv = branch.extractor[1][1].conv1
    fan_out = conv.out_channels * 9
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
