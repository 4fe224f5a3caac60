"""Shrink a classification config that MMRazor ships until it trains in seconds.

A config is loaded unmodified; ``shrink`` then overrides what a small machine
without a network and without ImageNet cannot do, and nothing of the distiller.
"""

from pathlib import Path

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.utils import get_installed_path
from PIL import Image

IMAGE_SIZE = 32
IMAGES_PER_CLASS = (4, 3, 2, 1)  # unbalanced, as data sets are
# These download a teacher while the model is built, whatever a config says.
_NEEDS_A_NETWORK = ('dafl', 'dfad', 'zskt')


def stock_configs() -> list[Path]:
    """Every distillation config for classifiers that MMRazor ships."""
    folder = Path(get_installed_path('mmrazor')) / '.mim/configs/distill/mmcls'
    return sorted(
        path
        for path in folder.glob('*/*.py')
        if path.parent.name not in _NEEDS_A_NETWORK
    )


def write_images(data_root: Path) -> None:
    """Write class folders of small JPEG images, of random noise, under
    ``data_root/train`` and ``data_root/val``."""
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for label, count in enumerate(IMAGES_PER_CLASS):
            folder = data_root / split / f'class{label}'
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 256, (40, 36, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f'{index}.jpg')


def shrink(cfg: Config, data_root: Path, work_dir: Path) -> Config:
    """Override data, sizes, length and downloads of a stock config, in place.

    Args:
        cfg: as ``Config.fromfile`` returned it.
        data_root: a folder that ``write_images`` filled; its labels (0 to 3) are
            valid for every head, of 10 or of 1000 classes.
        work_dir: where the Runner writes.

    Returns:
        ``cfg``: one epoch of two iterations and one validation on images of
        32 x 32 pixels, from random weights. No checkpoint is written: all
        configs together would leave gigabytes.
    """
    cfg.work_dir = str(work_dir)
    cfg.randomness = {'seed': 0}
    cfg.train_cfg = {'by_epoch': True, 'max_epochs': 1}
    cfg.default_hooks.checkpoint = None
    # What comes after a warm-up begins later than this run ends.
    cfg.param_scheduler = [
        scheduler
        for scheduler in _as_list(cfg.param_scheduler)
        if scheduler.get('begin', 0) == 0
    ]
    for split, name in (('train', 'train_dataloader'), ('val', 'val_dataloader')):
        _shrink_dataloader(cfg[name], data_root / split)
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    _shrink_model(cfg.model)
    return cfg


def _shrink_dataloader(dataloader: ConfigDict, folder: Path) -> None:
    dataloader.update(batch_size=5, num_workers=0, persistent_workers=False)
    dataset = dataloader.dataset
    if 'dataset' in dataset:  # CRD wraps the data set
        dataset = dataset.dataset
    pipeline = dataset.pipeline
    if pipeline[0].type != 'LoadImageFromFile':  # CIFAR's images are in memory
        resize = {'type': 'mmpretrain.Resize', 'scale': IMAGE_SIZE}
        pipeline = [{'type': 'mmpretrain.LoadImageFromFile'}, resize, *pipeline]
    for transform in pipeline:
        for key in {'scale', 'crop_size'} & transform.keys():
            transform[key] = IMAGE_SIZE
    dataset.clear()
    dataset.update(
        type='mmpretrain.CustomDataset', data_prefix=str(folder), pipeline=pipeline
    )


def _shrink_model(model: ConfigDict) -> None:
    model.pop('teacher_ckpt', None)
    model.pop('init_cfg', None)
    if 'img_size' in model.architecture.get('backbone', {}):
        model.architecture.backbone.img_size = IMAGE_SIZE
    teacher = model.get('teacher', {})
    if 'pretrained' in teacher:
        teacher.pretrained = False
    if teacher.get('backbone', {}).get('type') == 'TIMMBackbone':
        # timm is optional, and this RegNet is 84 million weights to download.
        teacher.backbone = {'type': 'ResNet', 'depth': 18}
        teacher.head.in_channels = 512
        teacher.head.pop('init_cfg')


def _as_list(value: list | ConfigDict) -> list:
    return value if isinstance(value, list) else [value]
