"""Networks of the zoo for the suites, also without OpenMMLab around them."""

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import Tensor, nn

from mcmi_plugin.locations import CONFIGS


class BareNetwork(nn.Module):
    """A classifier's arithmetic without OpenMMLab's calls around it.

    It shares the classifier's modules. Forward: [B, 3, H, W] floats -> [B, C].
    """

    def __init__(self, classifier: BaseModel) -> None:
        super().__init__()
        self.backbone: nn.Module = classifier.backbone
        self.fc: nn.Linear = classifier.head.fc

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.backbone(images)[-1].mean((2, 3)))


def cifar_classifier(name: str) -> dict:
    """The config of one of the zoo's CIFAR networks, ``'resnet20'``."""
    return Config.fromfile(CONFIGS / f'_base_/models/cifar/{name}.py').model.to_dict()


def build(classifier: dict) -> BaseModel:
    """A classifier with torch's random weights, the same in every run."""
    torch.manual_seed(0)
    return MODELS.build(classifier)
