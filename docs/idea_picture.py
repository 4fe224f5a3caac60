"""Draws the picture of docs/idea.md from a run of a few seconds; no OpenMMLab.

python docs/idea_picture.py
"""

from pathlib import Path

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from mcmi_plugin.functional.bayes import gaussian_posterior, pdist
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl
from mcmi_plugin.shown.style import COLOURS, new_figure, save

# Three overlapping Gaussian classes in the plane, and six coordinates of noise, by
# which a network can tell every training sample from every other.
IN_PLANE = torch.tensor([[0.0, 1.0], [-0.866, -0.5], [0.866, -0.5]])
MEANS = torch.cat([IN_PLANE, torch.zeros(3, 6)], dim=1)
SIGMA = 0.8
LABELS = torch.arange(3).repeat_interleave(150)
CORNERS = torch.tensor([[0.5, 0.866], [0.0, 0.0], [1.0, 0.0]])  # of the triangle
FIGURES = 'accuracy {:.0f} %\nLL {:.3f} nats\nCMI {:.3f} nats\nto the truth {:.2f}'


def statistics(logits: Tensor) -> ClassStatistics:
    found = ClassStatistics(3)
    found.update(logits, LABELS)
    return found


def train(network: nn.Module, points: Tensor, epochs: int, lmda: float) -> None:
    """Minimise CE - lmda * KL(P_x || Q^y); the centroids are taken once, before."""
    centroids = statistics(network(points)).log_centroids()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(LABELS)).split(30):
            ce, kl = ce_and_kl(network(points[batch]), LABELS[batch], centroids)
            optimizer.zero_grad()
            (ce - lmda * kl).mean().backward()
            optimizer.step()


def teacher(points: Tensor, lmda: float) -> Tensor:
    """[N, 3] logits: trained by log-likelihood, then fine-tuned with ``lmda``."""
    torch.manual_seed(1)
    layers = [nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(128, 3))
    train(network, points, epochs=50, lmda=0.0)
    train(network, points, epochs=20, lmda=lmda)
    return network(points).detach()


def draw(axes: Axes, title: str, logits: Tensor, true_logits: Tensor) -> None:
    """The probability simplex, its corners the classes, with the samples in it."""
    dots = logits.double().softmax(1) @ CORNERS.double()
    axes.plot(*CORNERS[[0, 1, 2, 0]].T, color='0.7', linewidth=1)
    for label in range(3):
        own = dots[label == LABELS]
        axes.scatter(*own.T, s=12, color=COLOURS[label], alpha=0.4, linewidth=0)
    for label in range(3):
        at = dots[label == LABELS].mean(0)
        axes.scatter(*at, s=80, marker='X', color=COLOURS[label], edgecolor='black')
    found = statistics(logits)
    distance = pdist(logits, true_logits).mean()
    figures = (found.accuracy(), found.log_likelihood(), found.cmi(), distance)
    axes.text(0.5, -0.14, FIGURES.format(*figures), ha='center', va='top', fontsize=9)
    axes.set_title(title, fontsize=10)
    axes.set(xlim=(-0.08, 1.08), ylim=(-0.62, 0.95), aspect='equal')
    axes.set_axis_off()


if __name__ == '__main__':
    torch.manual_seed(0)
    points = MEANS[LABELS] + SIGMA * torch.randn(len(LABELS), 8)
    weight, bias = gaussian_posterior(MEANS, SIGMA)
    truth = points @ weight.T + bias
    title = (
        'Each dot is the prediction for one training sample,\n'
        'the corners are the classes, a cross is the centroid of a class'
    )
    panels = new_figure(title, height=3.1).subplots(1, 4)
    draw(panels[0], 'log-likelihood alone', teacher(points, 0.0), truth)
    draw(panels[1], 'with CMI, lambda 0.4', teacher(points, 0.4), truth)
    draw(panels[2], 'too much, lambda 1', teacher(points, 1.0), truth)
    draw(panels[3], 'the true P(y | x)', truth, truth)
    path = Path(__file__).with_name('idea.png')
    save(panels[0].figure, path)
    print(f'picture: {path}')
