"""The key ``fast`` of a config: the same student by this project's faster parts."""

from typing import Any

from mmengine.config import Config
from mmengine.registry import LOOPS, MODELS, Registry
from mmengine.runner import EpochBasedTrainLoop
from mmrazor.engine import SingleTeacherDistillValLoop
from mmrazor.models.algorithms import SingleTeacherDistill

from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_line

# A part of the stock stack and what does the same.
ALGORITHM = (MODELS, SingleTeacherDistill, 'LeanDistill')
TRAIN_LOOP = (LOOPS, EpochBasedTrainLoop, 'LeanEpochLoop')
VAL_LOOP = (LOOPS, SingleTeacherDistillValLoop, 'CachedTeacherValLoop')
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
                            large, not augmented as CIFAR is, or made in a way of
                            their own to torch's loader
    optim_wrapper           the frozen teacher stays out of the optimizer
    train_cfg.graph         ``fast = dict(graph=True)``: a step in one launch of a GPU
    ======================= =====================================================

    Another choice of the config stays: a key is only filled, a part only replaced,
    if its name means the stock one. Where a part cannot do the same, it does the
    ordinary thing and says so in the log.

    Args:
        cfg: the config; without ``fast``, or with ``fast=False``, it stays as it is.

    Raises:
        UserError: ``fast`` with an option that does not exist.
    """
    if cfg.get('fast') in (None, False):
        return
    options = cfg.fast if isinstance(cfg.fast, dict) else {}
    for key in options:
        if key != 'graph':
            raise UserError(f'fast.{key} is no option; there is fast.graph=True')
    scope = cfg.get('default_scope')
    _replace(cfg.model, scope, *ALGORITHM)
    if cfg.get('val_cfg'):
        _replace(cfg.val_cfg, scope, *VAL_LOOP)
    if cfg.get('train_cfg'):
        # mmengine takes either key, not both.
        if cfg.train_cfg.get('by_epoch') and 'type' not in cfg.train_cfg:
            del cfg.train_cfg['by_epoch']
            cfg.train_cfg.type = 'EpochBasedTrainLoop'
        _replace(cfg.train_cfg, scope, *TRAIN_LOOP)
        if 'graph' in options and cfg.train_cfg.get('type') == TRAIN_LOOP[-1]:
            cfg.train_cfg.graph = options['graph']
        elif options.get('graph'):
            log_line(
                f'fast.graph: steps run one by one: train_cfg is no {TRAIN_LOOP[-1]}'
            )
        cfg.optim_wrapper.setdefault('constructor', OPTIMIZER)
    if cfg.setdefault('runner_type', 'ResidentRunner') == 'ResidentRunner':
        for split in ('train', 'val', 'test'):
            loader = cfg.get(f'{split}_dataloader')
            if loader and 'batch_sampler' not in loader:
                loader.setdefault('type', 'ResidentLoader')


def _replace(
    part: Any, scope: str | None, registry: Registry, stock: type, faster: str
) -> None:
    kind = part.get('type')
    if isinstance(kind, str):
        # The user's own may have the same name, in another scope.
        with registry.switch_scope_and_registry(part.get('_scope_', scope)) as own:
            kind = own.get(kind)
    if kind is stock:
        part.type = faster
