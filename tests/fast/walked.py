"""What the walks over devices without values share."""

import torch
from devices import on
from mmengine import registry
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample
from torch import nn

from mcmi_plugin.config_file import read_config
from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.distill.compose import compose
from mcmi_plugin.fast.lean_step import lean_step
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

METHODS = sorted(path.stem for path in (CONFIGS / '_base_/methods').glob('*.py'))
BATCH, CLASSES = 4, 10


def registered(kind: str) -> dict[str, type]:
    """This package's own, by name."""
    found, registries = {}, [getattr(registry, kind)]
    while registries:
        one = registries.pop()
        registries += one.children.values()
        found |= {
            name: part
            for name, part in one.module_dict.items()
            if part.__module__.startswith('mcmi_plugin.')
        }
    return found


def config_of(method: str) -> dict:
    """From ResNet-14 to ResNet-8, of ten classes."""
    models = CONFIGS / '_base_/models/cifar'
    pair = dict(
        teacher=str(models / 'resnet14.py'), student=str(models / 'resnet8.py'),
        teacher_ckpt=None, num_classes=CLASSES, dkd_beta=2.0, reviewkd_weight=1.0,
    )  # fmt: skip
    if method.endswith('_imagenet'):
        pair['input_shape'] = (3, 32, 32)
    own = read_config(str(CONFIGS / f'_base_/methods/{method}.py')).method
    model = compose(pair, own)
    model.pop('_delete_', None)
    return model | dict(type='LeanDistill', teacher_ckpt=None)


def batch(place=None) -> dict:
    """As a loader gives it; on a device, as a resident loader does."""
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    labels, indices = torch.arange(BATCH), torch.arange(BATCH)
    if place is not None:
        images, labels, indices = map(place.tensor, (images, labels, indices))
    samples = [
        DataSample(metainfo=dict(sample_idx=index)).set_gt_label(label)
        for index, label in zip(indices.split(1), labels.split(1), strict=True)
    ]
    return dict(inputs=images, data_samples=samples)


def sgd(model: nn.Module) -> OptimWrapper:
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    return OptimWrapper(optimizer, clip_grad=dict(max_norm=1.0))


def walk(model: nn.Module, device: str, moved=lambda place: None) -> None:
    """A step for real, which may look at what it likes, and others that may not."""
    model.train()
    lean_step(model, batch(), sgd(model))
    with on(device) as place:
        optimizer = sgd(place.move(model))
        moved(place)
        # Where all is fake, so are tensors on the CPU: nobody could look at an index.
        given = [batch(place)] if place.fake else [batch(), batch(place)]
        for one in given:
            out = lean_step(model, sent(one, place.device, join=True), optimizer)
            assert {value.device.type for value in out.values()} == {device}
            assert len(out) >= 2 and 'grad_norm' in out


def model_of(method: str) -> nn.Module:
    """One of its own for each test, which moves it."""
    cfg = config_of(method)
    for loss in cfg['distiller']['distill_losses'].values():
        if 'num_negatives' in loss:
            loss['num_negatives'] = 16
    preprocessor = dict(type='ClsDataPreprocessor', mean=[100], std=[50])
    cfg['data_preprocessor'] = dict(preprocessor, _scope_='mmpretrain')
    with registry.MODELS.switch_scope_and_registry('mmrazor') as models:
        model = models.build(cfg)
    for part in model.modules():
        if isinstance(part, CRDContrastLoss):
            part.prepare(torch.arange(20) % CLASSES)
    return model
