"""The config of a distillation of this project, over random images in memory."""

from mmengine.config import Config

import mcmi_plugin.benchmark.images  # noqa: F401  registers RandomImages
from mcmi_plugin.benchmark.networks import CONFIGS

DISTILL = CONFIGS / 'distill/r56_r20_kd.py'
FAST = CONFIGS / '_base_/fast.py'


def distillation(number: int, num_val: int = 0) -> dict:
    """ResNet-56 to ResNet-20 by KD for one epoch, as fast as this project offers it.

    Args:
        number: of training images, in batches of 64.
        num_val: of validation images, in batches of 256; 0: no validation.
    """
    config = Config.fromfile(DISTILL)
    if FAST.exists():
        config.merge_from_dict(Config.fromfile(FAST).to_dict())
    for split, count in (('train', number), ('val', num_val)):
        loader = config[f'{split}_dataloader']
        loader.num_workers = 0
        loader.dataset = dict(
            type='RandomImages', number=count, pipeline=[dict(type='PackInputs')]
        )
    config.runner_type = 'ResidentRunner'
    config.train_dataloader.type = 'ResidentLoader'
    config.model.teacher_ckpt = None  # random weights
    config.train_cfg.update(max_epochs=1, val_interval=1000)
    config.pop('mcmi', None)
    config.default_hooks.checkpoint.interval = 1000
    config.randomness = dict(seed=0)
    for key in ('test_dataloader', 'test_evaluator', 'test_cfg'):
        config.pop(key)
    if not num_val:
        for key in ('val_dataloader', 'val_evaluator', 'val_cfg'):
            config.pop(key)
    return config.to_dict()
