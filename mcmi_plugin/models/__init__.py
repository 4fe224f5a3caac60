"""The networks of the knowledge distillation literature, and two for vectors."""

from .auxiliary import AuxiliaryImageClassifier
from .gaussian_posterior import GaussianPosterior
from .mlp import MLP
from .mobilenet_v2_cifar import CIFARMobileNetV2
from .resnet_cifar import CIFARResNet
from .shufflenet_v1_cifar import CIFARShuffleNetV1
from .shufflenet_v2_cifar import CIFARShuffleNetV2
from .vgg_cifar import CIFARVGG
from .wide_resnet import CIFARWideResNet

__all__ = [
    'AuxiliaryImageClassifier',
    'CIFARMobileNetV2',
    'CIFARResNet',
    'CIFARShuffleNetV1',
    'CIFARShuffleNetV2',
    'CIFARVGG',
    'CIFARWideResNet',
    'GaussianPosterior',
    'MLP',
]
