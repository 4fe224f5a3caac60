"""Work dirs of methods without their training: random weights, saved as a run does."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

DIGITS = dict(
    batch_size=32,
    num_workers=0,
    dataset=dict(
        type='Digits', split='test', pipeline=[dict(type='mmpretrain.PackInputs')]
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
PREPROCESSOR = dict(type='ClsDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3)


def write_small_run(folder: Path) -> torch.nn.Module:
    """An ordinary training's work dir, of a network that takes no time."""
    head = dict(type='LinearClsHead', num_classes=10, in_channels=32)
    backbone = dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4)
    neck = dict(type='GlobalAveragePooling')
    model = dict(type='ImageClassifier', backbone=backbone, neck=neck, head=head)
    return write_run(folder, model, data_preprocessor=PREPROCESSOR)


def write_run(folder: Path, model: dict, **keys) -> torch.nn.Module:
    """Write a config and ``epoch_1.pth`` into ``folder``.

    Returns:
        The model, in evaluation mode.
    """
    cfg = Config(
        dict(
            model=model,
            default_scope='mmpretrain',
            val_dataloader=DIGITS,
            val_cfg={},
            val_evaluator=dict(type='Accuracy'),
            **keys,
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    cfg.dump(folder / 'mine.py')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        if 'data_preprocessor' in keys:
            cfg.model.data_preprocessor = cfg.data_preprocessor
        built = MODELS.build(cfg.model)
    _settle_batch_norms(getattr(built, 'architecture', built))
    torch.save(
        dict(meta=dict(epoch=1), state_dict=built.state_dict()),
        folder / 'epoch_1.pth',
    )
    (folder / 'last_checkpoint').write_text('somewhere/else/epoch_1.pth')
    built.eval()
    return built


def _settle_batch_norms(network: torch.nn.Module) -> None:
    """Give them the statistics of random images, or signals would fade on the way."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(torch.randn(64, 3, 8, 8), mode='tensor')
