"""Eigen-CAM and t-SNE by themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.report.command import _drawn
from mcmi_plugin.shown.blocks import Text
from mcmi_plugin.shown.eigen_cam import eigen_cam
from mcmi_plugin.shown.tsne import embed


class Network(nn.Module):
    """Its layer spreads the image's first channel over three, by given weights."""

    def __init__(self, weights):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1))
        with torch.no_grad():
            self.backbone[0].weight.zero_()
            self.backbone[0].weight[:, 0, 0, 0] = torch.tensor(weights)

    def forward(self, inputs):
        return self.pool(self.backbone(inputs)).flatten(1)


@pytest.mark.parametrize('weights', [[1.0, 2.0, 0.5], [0.0, 1.0, 2.0]])
def test_eigen_cam_is_the_first_principal_component(weights):
    # Activations of rank one: the component is the image itself, whichever sign its
    # decomposition gives it, less its mean and what is then negative, scaled to 1.
    pytest.importorskip('pytorch_grad_cam')
    image = torch.zeros(1, 3, 6, 6)
    image[0, 0, 1:3, 2:4] = torch.tensor([[4.0, 2.0], [2.0, 1.0]])
    found = eigen_cam(Network(weights), 'backbone.0', image)
    plane = image[0, 0].numpy()
    expected = np.maximum(plane - plane.mean(), 0)
    assert found[0] == pytest.approx(expected / expected.max(), abs=1e-5)


@pytest.mark.parametrize(
    'layer, words', [('layer9', 'no such module'), ('pool.0', 'earlier layer')]
)
def test_eigen_cam_of_no_picture_is_one_line(layer, words):
    pytest.importorskip('pytorch_grad_cam')
    with pytest.raises(UserError, match=words) as caught:
        eigen_cam(Network([1.0, 1.0, 1.0]), layer, torch.rand(1, 3, 6, 6))
    assert '\n' not in str(caught.value)


def test_tsne_keeps_clusters_apart_and_repeats():
    corners = np.repeat(np.eye(3) * 0.9 + 0.03, 10, axis=0)
    probabilities = corners + np.random.RandomState(0).rand(30, 3) * 0.01
    points = embed(probabilities)
    assert points.shape == (30, 2)
    clusters = points.reshape(3, 10, 2)
    within = max(np.ptp(cluster, axis=0).max() for cluster in clusters)
    centres = clusters.mean(axis=1)
    apart = min(np.linalg.norm(centres[i] - centres[i - 1]) for i in range(3))
    assert apart > 2 * within
    assert (embed(probabilities) == points).all()


@pytest.mark.parametrize(
    'outputs, words',
    [
        (np.full((24, 2), 0.5), 'all outputs are the same'),  # of a dead network
        (np.ones((24, 1)), 'all outputs are the same'),
        (np.eye(3), '3 samples are too few'),
    ],
)
def test_what_tsne_cannot_embed_is_one_line(outputs, words):
    """The library died of it, or raised what a report does not expect."""
    with pytest.raises(UserError, match=words) as caught:
        embed(outputs)
    (text,) = _drawn('t-SNE', lambda: embed(outputs))
    assert text == Text(f'No t-SNE: {caught.value}.')
