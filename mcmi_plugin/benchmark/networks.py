"""Networks of the zoo for the suites, also without OpenMMLab around them."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn

CONFIGS = Path(__file__).parents[2] / 'configs'


class BareNetwork(nn.Module):
    """A classifier's arithmetic without OpenMMLab's calls around it.

    It shares the classifier's modules. Forward: [B, 3, H, W] floats -> [B, C].
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = classifier.backbone
        self.fc = classifier.head.fc

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.backbone(images)[-1].mean((2, 3)))


def cifar_classifier(name: str) -> dict:
    """The config of one of the zoo's CIFAR networks, ``'resnet20'``."""
    return Config.fromfile(CONFIGS / f'_base_/models/cifar/{name}.py').model.to_dict()


def build(classifier: dict) -> nn.Module:
    """A classifier with torch's random weights, the same in every run."""
    torch.manual_seed(0)
    return MODELS.build(classifier)
