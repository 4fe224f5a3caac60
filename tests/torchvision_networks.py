"""Torchvision's networks with random weights, and mmpretrain's configs of them."""

import torch
import torchvision
from torch import nn

CONFIGS = {
    'resnet18': 'mmpretrain::resnet/resnet18_8xb32_in1k.py',
    'resnet34': 'mmpretrain::resnet/resnet34_8xb32_in1k.py',
    'resnet50': 'mmpretrain::resnet/resnet50_8xb32_in1k.py',
    'wide_resnet50_2': 'mmpretrain::wrn/wide-resnet50_8xb32_in1k.py',
    'resnext50_32x4d': 'mmpretrain::resnext/resnext50-32x4d_8xb32_in1k.py',
    'mobilenet_v2': 'mmpretrain::mobilenet_v2/mobilenet-v2_8xb32_in1k.py',
    'shufflenet_v2_x1_0': ('mmpretrain::shufflenet_v2/shufflenet-v2-1x_16xb64_in1k.py'),
    'densenet121': 'mmpretrain::densenet/densenet121_4xb256_in1k.py',
    'vgg11_bn': 'mmpretrain::vgg/vgg11bn_8xb32_in1k.py',
    'efficientnet_b0': 'mmpretrain::efficientnet/efficientnet-b0_8xb32_in1k.py',
}


def random_network(name: str, num_classes: int = 10) -> nn.Module:
    """A network in evaluation mode; no two of its layers are alike."""
    torch.manual_seed(0)
    return randomised(torchvision.models.get_model(name, num_classes=num_classes))


def randomised(network: nn.Module) -> nn.Module:
    """The network with batch norms of its own, in evaluation mode."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)
            layer.num_batches_tracked.fill_(7)
    return network.eval()
