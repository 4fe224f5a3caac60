"""From a distillation config to the configs of the teacher stage.

The data are the distillation config's, the optimizer is the teacher's own
published config's, the rest is section A.8.1 of the paper. Nothing is trained
or read from disk here but configs.
"""

import copy
import inspect
import os.path as osp

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size
from mmengine.optim import AmpOptimWrapper

from mcmi_plugin.config_file import read_named
from mcmi_plugin.distill.fast import OPTIMIZER
from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.evaluation.with_cmi import with_cmi
from mcmi_plugin.teacher.content import Content, without_paths
from mcmi_plugin.teacher.data import measuring_loader, plain_dataset
from mcmi_plugin.teacher.model import model_name, num_classes_of, teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.rate import scale_rate


def published_config(cfg: Config, options: TeacherOptions) -> Config:
    """The config that the teacher was trained by, as far as it is known.

    ``mcmi.teacher_config`` (a path or ``package::path``), or ``cfg_path`` of
    ``model.teacher``; a teacher written out in the distillation config is taken
    to be trained as its student is.
    """
    name = options.teacher_config or cfg.model.teacher.get('cfg_path')
    if name is None:
        return cfg
    try:
        own = read_named(name)
    except (ValueError, OSError) as error:
        key = 'mcmi.teacher_config' if options.teacher_config else 'cfg_path'
        raise UserError(
            f'{key}: cannot read {name} ({one_line(error)}); name the config '
            'that the teacher was trained by'
        ) from error
    if 'optim_wrapper' in own:
        return own
    if options.teacher_config:
        raise UserError(f'mcmi.teacher_config: {name} has no optim_wrapper')
    return cfg


def stage_config(
    cfg: Config, options: TeacherOptions, stage: str, work_dir: str
) -> Config:
    """The Runner config of one teacher stage.

    Args:
        cfg: the distillation config.
        options: what ``mcmi`` says.
        stage: ``'mll'`` (train the teacher) or ``'mcmi'`` (fine-tune it).
        work_dir: where the stage keeps its log and checkpoints.
    """
    own = published_config(cfg, options)
    model = teacher_model(cfg)
    fine_tune = stage == 'mcmi'
    loss = ConfigDict(
        type='CMILoss',
        lmda=options.lmda if fine_tune else 0.0,
        num_classes=num_classes_of(model),
    )
    if fine_tune:
        # Defaults stay unsaid: they are in the hash of teachers made before.
        for key, default in (('form', 'fixed'), ('eps', None), ('reward', 'cmi')):
            if getattr(options, key) != default:
                loss[key] = getattr(options, key)
    if 'head' in model:
        model.head.loss = loss
    else:
        model.loss = loss
    optim = copy.deepcopy(own.optim_wrapper)
    if optim.get('constructor') == OPTIMIZER:  # of `fast`; a teacher is no student
        del optim['constructor']
    scope = cfg.get('default_scope') or 'mmpretrain'
    scale_rate(optim, options.lr_factor if fine_tune else 1.0, scope)
    _take_precision(cfg.optim_wrapper, optim)
    epochs = options.epochs if fine_tune else options.mll_epochs
    train_loader = copy.deepcopy(cfg.train_dataloader)
    train_loader.pop('batch_sampler', None)
    train_loader.dataset = plain_dataset(train_loader.dataset)
    train_loader.sampler = ConfigDict(type='DefaultSampler', shuffle=True)
    hooks = [
        dict(type='CMIMonitorHook', on_cliff=options.on_cliff),
        dict(type='RandomStateHook'),
        dict(type='ResumeOptimizerHook'),
        dict(type='ResumeValidationHook'),
        dict(type='SameNormsHook'),
    ]
    if fine_tune:
        hooks.insert(
            0,
            dict(
                type='CentroidHook',
                dataloader=measuring_loader(cfg, 'train'),
                val_dataloader=cfg.get('val_dataloader')
                and measuring_loader(cfg, 'val'),
                mode=options.centroid_mode,
            ),
        )
    checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=2)
    if options.early_stopping and not fine_tune:
        checkpoint.update(save_best='mcmi/ll', rule='greater')
    base_batch = (own.get('auto_scale_lr') or {}).get('base_batch_size')
    logger = (cfg.get('default_hooks') or {}).get('logger') or {}
    interval = logger.get('interval', 100)
    stage_cfg = Config(
        dict(
            default_scope=scope,
            model=model,
            work_dir=work_dir,
            experiment_name=osp.basename(work_dir),
            train_dataloader=train_loader,
            train_cfg=dict(by_epoch=True, max_epochs=epochs, val_interval=1),
            optim_wrapper=optim,
            param_scheduler=dict(type='CosineAnnealingLR', T_max=epochs, by_epoch=True),
            # The published rate belongs to the published batch size.
            auto_scale_lr=base_batch and dict(base_batch_size=base_batch, enable=True),
            default_hooks=dict(
                timer=dict(type='IterTimerHook'),
                logger=dict(type='LoggerHook', interval=interval),
                param_scheduler=dict(type='ParamSchedulerHook'),
                checkpoint=checkpoint,
                sampler_seed=dict(type='DistSamplerSeedHook'),
            ),
            custom_hooks=hooks,
            log_processor=dict(type='JobLogProcessor'),
            randomness=dict(seed=options.seed),
            **{k: cfg[k] for k in _SHARED if k in cfg},
        )
    )
    if cfg.get('val_dataloader'):
        stage_cfg.val_dataloader = copy.deepcopy(cfg.val_dataloader)
        stage_cfg.val_dataloader.dataset = plain_dataset(cfg.val_dataloader.dataset)
        stage_cfg.val_evaluator = with_cmi(cfg.val_evaluator)
        stage_cfg.val_cfg = {}
    if cfg.get('runner_type') == 'ResidentRunner':  # the same steps, sooner
        stage_cfg.train_cfg.pop('by_epoch')
        stage_cfg.train_cfg.type = 'LeanEpochLoop'
        if 'val_cfg' in stage_cfg:
            stage_cfg.val_cfg.type = 'BatchValLoop'
    return stage_cfg


_SHARED = (
    'env_cfg',
    'launcher',
    'log_level',
    'model_wrapper_cfg',
    'runner_type',
    'visualizer',
)


def _take_precision(given: ConfigDict, optim: ConfigDict) -> None:
    """Mixed precision, with all that belongs to it, is for both stages."""
    kind = given.get('type', '')
    name = getattr(kind, '__name__', str(kind)).rpartition('.')[2]
    if name != AmpOptimWrapper.__name__:
        return
    optim.type = kind
    for key in inspect.signature(AmpOptimWrapper).parameters:
        if key in given:
            optim[key] = copy.deepcopy(given[key])
    optim.setdefault('loss_scale', 'dynamic')


def recipe_of(
    stage_cfg: Config,
    options: TeacherOptions,
    train: Content,
    base: str | None,
    val: Content | None = None,
) -> dict:
    """What decides which teacher comes out, for :mod:`mcmi_plugin.teacher.store`.

    What is at its default stays unsaid, so that the hash is that of teachers made
    before there was the key.

    Args:
        train: what the training set holds.
        base: hash of the weights that the fine-tune starts from; None for a
            teacher that is trained from scratch.
        val: what the validation set holds, where that chooses the epoch.
    """
    loader = stage_cfg.train_dataloader
    recipe = dict(
        model=stage_cfg.model.to_dict(),
        num_samples=train.num_samples,
        optim_wrapper=stage_cfg.optim_wrapper.to_dict(),
        epochs=stage_cfg.train_cfg.max_epochs,
        seed=options.seed,
        base=base,
    )
    recipe |= _of_data('data', loader.dataset, train)
    if base is not None:
        recipe['centroid_mode'] = options.centroid_mode
        # The same samples, seen otherwise.
        centroid_data = stage_cfg.custom_hooks[0].dataloader.dataset
        recipe['centroid_data'] = without_paths(centroid_data.to_dict())
        recipe['on_cliff'] = options.on_cliff
    if val is not None:
        recipe |= _of_data('early_stopping', stage_cfg.val_dataloader.dataset, val)
        recipe |= _part_of_epoch('val_', stage_cfg.val_dataloader)
    recipe |= _part_of_epoch('', loader)
    if stage_cfg.auto_scale_lr is None:
        # Nothing corrects the rate for the batch size, so it is of the recipe.
        recipe['batch_size'] = loader.batch_size * get_world_size()
    else:
        recipe['base_batch_size'] = stage_cfg.auto_scale_lr.base_batch_size
    return recipe


def recipe_of_handover(
    stage_cfg: Config,
    options: TeacherOptions,
    train: Content,
    base: str,
    val: Content | None = None,
) -> dict:
    """What decides about a teacher that is handed over without a fine-tune.

    Args:
        stage_cfg: of the fine-tune that there might have been.
        train: what the training set holds.
        base: hash of the weights that are handed over.
        val: what the validation set holds, where there is one: it is measured, and
            perhaps the temperature's judge.
    """
    hook = stage_cfg.custom_hooks[0]
    recipe = dict(
        model=stage_cfg.model.to_dict(),
        num_samples=train.num_samples,
        base=base,
        temperature=options.temperature,
    )
    recipe |= _of_data('data', hook.dataloader.dataset, train)
    if val is not None:
        recipe |= _of_data('val_data', hook.val_dataloader.dataset, val)
    return recipe


def _of_data(key: str, dataset: ConfigDict, content: Content) -> dict:
    """A data set in a recipe: what it is, and what it holds, not where it lies."""
    described: dict[str, dict | str] = {key: without_paths(dataset.to_dict())}
    if content.digest is not None:
        described[f'{key}_content'] = content.digest
    return described


def _part_of_epoch(prefix: str, loader: ConfigDict) -> dict:
    """What makes an epoch shorter than its data set, where something does."""
    said = {}
    if loader.get('drop_last'):
        said[f'{prefix}drop_last'] = True
    batches = loader.get('num_batch_per_epoch')
    if batches is not None:
        said[f'{prefix}samples_per_epoch'] = (
            batches * loader.batch_size * get_world_size()
        )
    return said


def folder_name(cfg: Config, options: TeacherOptions, stage: str) -> str:
    """A short name of a teacher, for its folder: network, stage, what was asked.

    Args:
        stage: ``'mll'``, ``'mcmi'`` or ``'none'`` (handed over as it is).
    """
    words = [model_name(cfg), stage]
    if stage == 'mcmi':
        words += [options.form] * (options.form != 'fixed')
        words += [options.reward] * (options.reward != 'cmi')
        dial = 'lmda' if options.eps is None else 'eps'
        words.append(f'{dial}{getattr(options, dial):g}')
    elif options.early_stopping:
        words.append('early-stopped')
    return '-'.join(words)
