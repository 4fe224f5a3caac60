"""The config of a distillation of this project, over random images in memory."""

from pathlib import Path

from mmengine.config import Config

import benchmarks.images  # noqa: F401  registers RandomImages
from mcmi_plugin.fast.parts import use_fast_parts
from mcmi_plugin.locations import CONFIGS

DISTILL = CONFIGS / 'distill/r56_r20_kd.py'


def distillation(
    number: int,
    num_val: int = 0,
    stock: bool = False,
    path: Path | Config = DISTILL,
    store: dict | None = None,
    **images,
) -> dict:
    """ResNet-56 to ResNet-20 by KD for one epoch.

    Args:
        number: of training images, in batches of 64.
        num_val: of validation images, in batches of 256; 0: no validation.
        stock: as MMRazor offers it; or else as fast as this project offers it, by
            ``configs/_base_/fast.py``.
        path: another distillation, with a batch size of its own; a file or a config.
        store: options of ``teacher_store``, ``dir`` among them; None: the live teacher.
        images: ``size`` and ``classes``, where they are not CIFAR-100's.
    """
    config = path if isinstance(path, Config) else Config.fromfile(path)
    config.val_cfg.type = 'mmrazor.SingleTeacherDistillValLoop'
    if not stock:
        config.fast = True
        use_fast_parts(config)
    for split, count in (('train', number), ('val', num_val)):
        loader = config[f'{split}_dataloader']
        loader.num_workers = 0
        loader.setdefault('collate_fn', dict(type='default_collate'))  # the faster
        pipeline = [dict(type='PackInputs')]
        loader.dataset = dict(
            type='RandomImages', number=count, pipeline=pipeline, **images
        )
    config.model.teacher_ckpt = None  # random weights
    loop = config.train_cfg.get('type', 'EpochBasedTrainLoop')
    config.train_cfg = dict(type=loop, max_epochs=1)
    for key in ('mcmi', 'auto_scale_lr'):
        config.pop(key, None)
    config.default_hooks.checkpoint.interval = 1000
    config.randomness = dict(seed=0)
    for key in ('test_dataloader', 'test_evaluator', 'test_cfg'):
        config.pop(key)
    if store is not None:
        hook = dict(type='TeacherStoreHook', **store)
        config.custom_hooks = [*config.get('custom_hooks', []), hook]
    if not num_val:
        for key in ('val_dataloader', 'val_evaluator', 'val_cfg'):
            config.pop(key)
    return config.to_dict()
