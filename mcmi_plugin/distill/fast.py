"""The key ``fast`` of a config: the same student by this project's faster parts."""

from typing import Any

from mmengine.config import Config

# A part of the stock stack, by its name without a scope, and what does the same.
ALGORITHM = {'SingleTeacherDistill': 'LeanDistill'}
TRAIN_LOOP = {'EpochBasedTrainLoop': 'LeanEpochLoop'}
VAL_LOOP = {'SingleTeacherDistillValLoop': 'CachedTeacherValLoop'}
OPTIMIZER = 'TrainableOptimWrapperConstructor'


def use_fast_parts(cfg: Config) -> None:
    """Put the faster parts into a config that says ``fast``, in place.

    ======================= =====================================================
    model.type              ``SingleTeacherDistill`` -> ``LeanDistill``
    train_cfg.type          by epoch -> ``LeanEpochLoop``
    val_cfg.type            ``SingleTeacherDistillValLoop`` ->
                            ``CachedTeacherValLoop``
    runner_type             ``ResidentRunner``
    .._dataloader.type      ``ResidentLoader``, which leaves data that are too
                            large, or not augmented as CIFAR is, to torch's loader
    optim_wrapper           frozen parameters stay out of the optimizer
    ======================= =====================================================

    Another choice of the config stays: a key is only filled, a part only replaced,
    if it is the stock one.

    Args:
        cfg: the config; without ``fast``, or with ``fast=False``, it stays as it is.
    """
    if not cfg.get('fast'):
        return
    _replace(cfg.model, ALGORITHM)
    if cfg.get('val_cfg'):
        _replace(cfg.val_cfg, VAL_LOOP)
    if cfg.get('train_cfg'):
        # mmengine takes either key, not both.
        if cfg.train_cfg.get('by_epoch') and 'type' not in cfg.train_cfg:
            del cfg.train_cfg['by_epoch']
            cfg.train_cfg.type = 'EpochBasedTrainLoop'
        _replace(cfg.train_cfg, TRAIN_LOOP)
        cfg.optim_wrapper.setdefault('constructor', OPTIMIZER)
    if cfg.setdefault('runner_type', 'ResidentRunner') == 'ResidentRunner':
        for split in ('train', 'val', 'test'):
            loader = cfg.get(f'{split}_dataloader')
            if loader and 'batch_sampler' not in loader:
                loader.setdefault('type', 'ResidentLoader')


def _replace(part: Any, faster: dict[str, str]) -> None:
    name = str(part.get('type')).rpartition('.')[2]
    if name in faster:
        part.type = faster[name]
