"""Where a distiller finds the features of each network.

Tables of module names for MMRazor's ``ModuleOutputs`` recorders, in the order
of RepDistiller's ``is_feat=True`` list: stem, stages, pooled vector. ``TAPS``
holds our CIFAR networks, ``IMAGENET_TAPS`` mmpretrain's of the ImageNet pairs,
both by the name of the network's config file. Any other network's are found by
running it once (:mod:`mcmi_plugin.distill.network_taps`).

=================== ==========================================================
stem                behind the first convolution (no method reads it)
stages              the stages' outputs: behind the ReLU, but raw in the wide
                    ResNets and MobileNetV2
preact              the same maps before the ReLU; the batch norm of the raw
                    sum in the wide ResNets; in MobileNetV2, whose blocks end
                    linearly, the stages themselves
pooled              the neck: a tuple, so take ``data_idx=0``; its submodule
                    ``neck.gap`` gives ``[N, C, 1, 1]``
logits              ``[N, num_classes]``
channels, sizes     of the stages, for 32x32 (ImageNet: 224x224) images
pooled_channels     of the pooled vector
auxiliary           ``[4N, 4 num_classes]`` each, where the model is an
                    AuxiliaryImageClassifier
=================== ==========================================================

Every name is called once in a forward pass (``record_idx=0``), and no tap is
overwritten by a later in-place operation, whatever MMRazor's ``module_inplace``
options say. The one exception are mmpretrain's ResNets, whose blocks call one
in-place ReLU several times: their ``preact`` is the input of its last call,
written as a ``ModuleInputs`` recorder with the indices of the record, and needs
``module_inplace=False``, MMRazor's default.
"""


def _taps(
    stem: str,
    stages: list[str],
    preact: list[str],
    channels: list[int],
    sizes: list[int],
    pooled_channels: int | None = None,
) -> dict:
    return dict(
        stem=f'backbone.{stem}',
        stages=[f'backbone.{name}' for name in stages],
        preact=[f'backbone.{name}' for name in preact],
        pooled='neck',
        logits='head.fc',
        channels=channels,
        sizes=sizes,
        pooled_channels=pooled_channels or channels[-1],
        auxiliary=[f'auxiliary.{i}' for i in range(len(stages))],
    )


def _resnet(depth: int, channels: list[int]) -> dict:
    last = (depth - 2) // 6 - 1
    return _taps(
        stem='relu',
        stages=[f'layer{i}' for i in (1, 2, 3)],
        preact=[f'layer{i}.{last}.preact' for i in (1, 2, 3)],
        channels=channels,
        sizes=[32, 16, 8],
    )


def _wrn(channels: list[int]) -> dict:
    return _taps(
        stem='conv1',
        stages=['layer1', 'layer2', 'layer3'],
        preact=['layer2.0.bn1', 'layer3.0.bn1', 'bn1'],
        channels=channels,
        sizes=[32, 16, 8],
    )


_VGG = _taps(
    stem='relu0',
    stages=['relu1', 'relu2', 'relu3', 'relu4'],
    preact=['block1', 'block2', 'block3', 'block4'],
    channels=[128, 256, 512, 512],
    sizes=[16, 8, 4, 4],
)


def _shuffle(channels: list[int], pooled_channels: int | None = None) -> dict:
    return _taps(
        stem='relu',
        stages=['layer1', 'layer2', 'layer3'],
        preact=['layer1.3.preact', 'layer2.7.preact', 'layer3.3.preact'],
        channels=channels,
        sizes=[16, 8, 4],
        pooled_channels=pooled_channels,
    )


TAPS: dict[str, dict] = {
    **{f'resnet{d}': _resnet(d, [16, 32, 64]) for d in (8, 14, 20, 32, 44, 56, 110)},
    'resnet8x4': _resnet(8, [64, 128, 256]),
    'resnet32x4': _resnet(32, [64, 128, 256]),
    'wrn_16_1': _wrn([16, 32, 64]),
    'wrn_16_2': _wrn([32, 64, 128]),
    'wrn_40_1': _wrn([16, 32, 64]),
    'wrn_40_2': _wrn([32, 64, 128]),
    'vgg8': _VGG,
    'vgg13': _VGG,
    'MobileNetV2': _taps(
        stem='conv1',
        stages=['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'],
        preact=['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'],
        channels=[12, 16, 48, 160],
        sizes=[16, 8, 4, 2],
        pooled_channels=1280,
    ),
    'ShuffleV1': _shuffle([240, 480, 960]),
    'ShuffleV2': _shuffle([116, 232, 464], pooled_channels=1024),
    'ResNet50': _taps(
        stem='relu',
        stages=['layer1', 'layer2', 'layer3', 'layer4'],
        preact=[
            'layer1.2.preact',
            'layer2.3.preact',
            'layer3.5.preact',
            'layer4.2.preact',
        ],
        channels=[256, 512, 1024, 2048],
        sizes=[32, 16, 8, 4],
    ),
}


def _imagenet_resnet(
    blocks: list[int], convs_per_block: int, channels: list[int]
) -> dict:
    taps = _taps(
        stem='maxpool',
        stages=['layer1', 'layer2', 'layer3', 'layer4'],
        preact=[],
        channels=channels,
        sizes=[56, 28, 14, 7],
    )
    taps['preact'] = [
        dict(
            type='ModuleInputs',
            source=f'{stage}.{num_blocks - 1}.relu',
            record_idx=convs_per_block - 1,
            data_idx=0,
        )
        for stage, num_blocks in zip(taps['stages'], blocks, strict=True)
    ]
    return taps


IMAGENET_TAPS: dict[str, dict] = {
    'resnet18': _imagenet_resnet([2, 2, 2, 2], 2, [64, 128, 256, 512]),
    'resnet34': _imagenet_resnet([3, 4, 6, 3], 2, [64, 128, 256, 512]),
    'resnet50': _imagenet_resnet([3, 4, 6, 3], 3, [256, 512, 1024, 2048]),
    'mobilenet_v2_1x': _taps(
        stem='conv1',
        stages=['layer2', 'layer3', 'layer5', 'layer7'],
        preact=['layer2', 'layer3', 'layer5', 'layer7'],
        channels=[24, 32, 96, 320],
        sizes=[56, 28, 14, 7],
        pooled_channels=1280,
    ),
}
