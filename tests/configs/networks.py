"""Networks that no table of this project has, each in its cheapest variant."""

from pathlib import Path

_MODEL = """\
model = dict(
    type='ImageClassifier',
    backbone=dict({backbone}),
    neck={neck},
    head=dict(
        type='{head}', num_classes=1000, in_channels={width}))
"""


def _written(
    backbone: str, width: int, neck: bool = True, head: str = 'LinearClsHead'
) -> str:
    return _MODEL.format(
        backbone=backbone,
        width=width,
        neck="dict(type='GlobalAveragePooling')" if neck else None,
        head=head,
    )


def _of_mmpretrain(path: str) -> str:
    return f"_base_ = 'mmpretrain::_base_/models/{path}.py'\n"


_VIT = "type='{}', arch='deit-tiny', img_size=64, patch_size=16"
_SWIN = (
    "type='SwinTransformer', img_size=64, pad_small_map=True, "
    'arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 3, 4])'
)
_MINE = """\
custom_imports = dict(imports=['network_of_mine'])
model = dict(type='NetworkOfMine', num_classes=1000)
"""
# A classifier that is none of mmpretrain's; its ReLU is a function, and called twice.
MODULE_OF_MINE = """\
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn


@MODELS.register_module(force=True)
class NetworkOfMine(BaseModel):
    def __init__(self, num_classes=10, loss=dict(loss_weight=1.0), **kwargs):
        super().__init__(**kwargs)
        self.weight = loss['loss_weight']
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        widths = (8, 16, 24, 32)
        self.blocks = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(widths, widths[1:]))
        self.relu = nn.ReLU()
        self.classify = nn.Linear(32, num_classes)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, inputs, data_samples=None, mode='tensor'):
        x = F.relu(self.stem(inputs))
        for block in self.blocks:
            x = self.relu(block(x))
        scores = self.classify(x.mean((2, 3)))
        if mode == 'loss':
            import torch
            labels = torch.cat([s.gt_label for s in data_samples])
            return dict(loss=self.weight * self.criterion(scores, labels))
        return scores
"""

# Four stages, and three.
FOUR = {
    'resnet101': _of_mmpretrain('resnet101'),
    'resnext50': _of_mmpretrain('resnext50_32x4d'),
    'efficientnet': _of_mmpretrain('efficientnet_b0'),
    'mobilenet_v3': _of_mmpretrain('mobilenet_v3/mobilenet_v3_small_050_imagenet'),
    'regnet': _of_mmpretrain('regnet/regnetx_400mf'),
    'convnext': _written(
        "type='ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32])",
        32,
        neck=False,
    ),
    'densenet': _written(
        "type='DenseNet', arch=dict(growth_rate=8, depths=[1, 1, 2, 1], "
        'init_channels=16)',
        21,
    ),
    'swin_of_four': _written(_SWIN + ', out_indices=(0, 1, 2, 3)', 192),
}
THREE = {
    'shufflenet': _of_mmpretrain('shufflenet_v2_1x'),
    'mine': _MINE,
    'resnet18': "_base_ = 'mcmi_plugin::_base_/models/cifar/resnet8.py'\n",
}
# No maps, or one.
FEW = {
    'vit': _written(
        _VIT.format('VisionTransformer'), 192, False, 'VisionTransformerClsHead'
    ),
    'deit': _written(
        _VIT.format('DistilledVisionTransformer'), 192, False, 'DeiTClsHead'
    ),
    'swin': _written(_SWIN, 192),
}
VGG = {'vgg11': _of_mmpretrain('vgg11')}
TIMM = {
    'timm': "model = dict(type='TimmClassifier', model_name='resnet18')\n",
}


def write_networks(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """Name -> path of a network's config; ``folder`` must be where Python looks."""
    (folder / 'network_of_mine.py').write_text(MODULE_OF_MINE)
    for name, text in texts.items():
        (folder / f'{name}.py').write_text(text)
    return {name: str(folder / f'{name}.py') for name in texts}
