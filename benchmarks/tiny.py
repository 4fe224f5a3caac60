"""A Runner's iteration of a tiny model, against a bare loop on resident tensors.

The model of the paper's synthetic experiments, where the arithmetic of a step takes
a quarter of a millisecond. Ours is the whole Runner: data preprocessor, data samples,
all of mmengine's default hooks, logging every 100 iterations. Twice: with the network
as a bare mmengine model, which shows what the Runner costs, and as mmpretrain's
``ImageClassifier``, whose head and preprocessor add their own.
"""

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn

from benchmarks.harness import Contest, require_same_training, weights_of
from benchmarks.runners import (
    SGD,
    bare_epoch,
    epochs_of,
    first_epoch_batches,
    ready_runner,
    shuffled,
)

BATCH_SIZE = 32


@MODELS.register_module()
class PlainMLP(BaseModel):
    """The MLP as the least that mmengine's Runner trains."""

    takes_joined_labels = True  # see fast/joined_labels.py

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()),
            nn.Linear(128, 10),
        )

    def forward(self, inputs: Tensor, data_samples: list, mode: str) -> dict:
        labels = torch.cat([sample.gt_label for sample in data_samples])
        return dict(loss=F.cross_entropy(self.layers(inputs), labels))


def contests(iterations: int = 2000) -> Iterator[Contest]:
    """An epoch of so many iterations."""
    plain = config(iterations) | dict(model=dict(type='PlainMLP'))
    for name, whole in (('tiny', plain), ('tiny (mmpretrain)', config(iterations))):
        with ready_runner(whole) as runner:
            yield contest(name, runner, iterations)


def contest(name: str, runner: Runner, iterations: int) -> Contest:
    """One Runner's epoch against the same steps in a bare loop."""
    network = copy.deepcopy(bare_mlp(runner.model))
    sgd = torch.optim.SGD(network.parameters(), **SGD)
    batches = first_epoch_batches(runner)
    inputs, labels = (torch.cat(part) for part in zip(*batches, strict=True))

    def baseline() -> None:
        bare_epoch(network, sgd, shuffled(inputs, labels, BATCH_SIZE))

    def check() -> None:
        start = weights_of(network)
        runner.train()
        bare_epoch(network, sgd, batches)
        require_same_training(bare_mlp(runner.model), network, start, 1e-3)

    return Contest(
        name,
        lambda: epochs_of(runner)(),
        baseline,
        check,
        ours_is='the Runner, MLP 30-128-128-10, batch 32',
        baseline_is='a bare loop on resident tensors',
        rounds=15,
        units=iterations,
        unit='iteration',
    )


def bare_mlp(classifier: BaseModel) -> nn.Sequential:
    """The classifier's layers as plain PyTorch would have them."""
    if isinstance(classifier, PlainMLP):
        return classifier.layers
    return nn.Sequential(*classifier.backbone.layers, classifier.head.fc)


def config(iterations: int) -> dict:
    """One epoch, no validation; a checkpoint at the end alone."""
    return dict(
        default_scope='mmpretrain',
        runner_type='ResidentRunner',
        model=dict(
            type='ImageClassifier',
            backbone=dict(type='MLP', widths=[30, 128, 128]),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=128),
        ),
        train_dataloader=dict(
            type='ResidentLoader',
            batch_size=BATCH_SIZE,
            dataset=dict(
                type='SyntheticGaussian',
                split='train',
                num_train=BATCH_SIZE * iterations,
                pipeline=[dict(type='PackInputs')],
            ),
            sampler=dict(type='DefaultSampler', shuffle=True),
        ),
        train_cfg=dict(type='LeanEpochLoop', max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', **SGD)),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=100),
            checkpoint=dict(type='CheckpointHook', interval=1000),
        ),
        randomness=dict(seed=0),
    )
