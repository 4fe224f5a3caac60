"""From a distillation config to the configs of the teacher stage.

The data are the distillation config's, the optimizer is the teacher's own
published config's, the rest is section A.8.1 of the paper. Nothing is trained
or read from disk here but configs.
"""

import copy
import inspect
import os.path as osp

from mmengine.config import Config, ConfigDict
from mmengine.optim import AmpOptimWrapper

from mcmi_plugin.config_file import read_config
from mcmi_plugin.datasets.configs import measuring_loader, plain_dataset
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.cmi_metric import with_cmi
from mcmi_plugin.networks import scope_of
from mcmi_plugin.teacher.model import num_classes_of, teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.rate import scale_rate
from mcmi_plugin.type_names import short_name

# Keys of the distillation config that hold for its teacher as they are.
_SHARED = (
    'compile',
    'env_cfg',
    'find_unused_parameters',
    'launcher',
    'log_level',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
    'visualizer',
)


def stage_config(
    cfg: Config, options: TeacherOptions, stage: str, work_dir: str
) -> Config:
    """The Runner config of one teacher stage.

    Args:
        stage: ``'mll'`` (train the teacher) or ``'mcmi'`` (fine-tune it).
    """
    fine_tune = stage == 'mcmi'
    return Config(
        dict(
            default_scope=scope_of(cfg),
            model=_model(cfg, options, fine_tune),
            work_dir=work_dir,
            experiment_name=osp.basename(work_dir),
            **_data(cfg),
            **_optimization(cfg, options, fine_tune),
            **_hooks(cfg, options, fine_tune),
            **_loops(cfg, options.epochs if fine_tune else options.mll_epochs),
            log_processor=dict(type='JobLogProcessor'),
            randomness=dict(seed=options.seed),
            **{k: cfg[k] for k in _SHARED if k in cfg},
        )
    )


def _model(cfg: Config, options: TeacherOptions, fine_tune: bool) -> ConfigDict:
    """The teacher with the loss of the stage."""
    model = teacher_model(cfg)
    loss = ConfigDict(
        type='CMILoss',
        lmda=options.lmda if fine_tune else 0.0,
        num_classes=num_classes_of(model),
    )
    if options.label_smoothing and not fine_tune:
        loss.update(lmda=options.label_smoothing, reward='label_smoothing')
    if fine_tune:
        # Defaults stay unsaid: they are in the hash of teachers made before.
        for key, default in (('form', 'fixed'), ('eps', None), ('reward', 'cmi')):
            if getattr(options, key) != default:
                loss[key] = getattr(options, key)
    model.get('head', model).loss = loss
    return model


def _data(cfg: Config) -> dict:
    """The loaders, and how the validation set is judged."""
    train = copy.deepcopy(cfg.train_dataloader)
    train.pop('batch_sampler', None)
    train.dataset = plain_dataset(train.dataset)
    train.sampler = ConfigDict(type='DefaultSampler', shuffle=True)
    data = dict(train_dataloader=train)
    if cfg.get('val_dataloader'):
        val = data['val_dataloader'] = copy.deepcopy(cfg.val_dataloader)
        val.dataset = plain_dataset(val.dataset)
        data['val_evaluator'] = with_cmi(cfg.val_evaluator)
    return data


def _optimization(cfg: Config, options: TeacherOptions, fine_tune: bool) -> dict:
    """The optimizer that the teacher was trained by, at the stage's rate."""
    own = published_config(cfg, options)
    optim = copy.deepcopy(own.optim_wrapper)
    if optim.get('constructor') == 'TrainableOptimWrapperConstructor':
        del optim['constructor']  # of `fast`; a teacher is no student
    scale_rate(optim, options.lr_factor if fine_tune else 1.0, scope_of(cfg))
    _take_precision(cfg.optim_wrapper, optim)
    # The published rate belongs to the published batch size.
    base_batch = (own.get('auto_scale_lr') or {}).get('base_batch_size')
    scaling = base_batch and dict(base_batch_size=base_batch, enable=True)
    return dict(optim_wrapper=optim, auto_scale_lr=scaling)


def _hooks(cfg: Config, options: TeacherOptions, fine_tune: bool) -> dict:
    """The stage's hooks; of a fine-tune the first gives its centroids."""
    hooks = []
    if fine_tune:
        val = cfg.get('val_dataloader') and measuring_loader(cfg, 'val')
        centroids = dict(
            type='CentroidHook',
            dataloader=measuring_loader(cfg, 'train'),
            val_dataloader=val,
            mode=options.centroid_mode,
        )
        hooks.append(centroids)
        if options.form == 'lower_bound':
            hooks.append(dict(type='LowerBoundHook'))
    hooks += [
        dict(type='CMIMonitorHook', on_cliff=options.on_cliff),
        dict(type='RandomStateHook'),
        dict(type='ResumeOptimizerHook'),
        dict(type='ResumeValidationHook'),
        dict(type='SameNormsHook'),
    ]
    checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=2)
    if options.early_stopping and not fine_tune:
        figure = 'cmi' if options.early_stopping == 'cmi' else 'll'
        checkpoint.update(save_best=f'mcmi/{figure}', rule='greater')
    if options.snapshots and not fine_tune:
        checkpoint.update(max_keep_ckpts=options.snapshots)
    logger = (cfg.get('default_hooks') or {}).get('logger') or {}
    default = dict(
        timer=dict(type='IterTimerHook'),
        logger=dict(type='LoggerHook', interval=logger.get('interval', 100)),
        param_scheduler=dict(type='ParamSchedulerHook'),
        checkpoint=checkpoint,
        sampler_seed=dict(type='DistSamplerSeedHook'),
    )
    return dict(default_hooks=default, custom_hooks=hooks)


def _loops(cfg: Config, epochs: int | None) -> dict:
    """So many epochs on a cosine, by the loops of the distillation's Runner."""
    train: dict = dict(max_epochs=epochs, val_interval=1)
    val = {}
    if cfg.get('runner_type') == 'ResidentRunner':  # the same steps, sooner
        train['type'] = 'LeanEpochLoop'
        if (cfg.get('train_cfg') or {}).get('graph'):
            train['graph'] = True
        val['type'] = 'BatchValLoop'
    else:
        train['by_epoch'] = True
    cosine = dict(type='CosineAnnealingLR', T_max=epochs, by_epoch=True)
    loops = dict(train_cfg=train, param_scheduler=cosine)
    return dict(loops, val_cfg=val) if cfg.get('val_dataloader') else loops


def published_config(cfg: Config, options: TeacherOptions) -> Config:
    """The config that the teacher was trained by, as far as it is known.

    ``mcmi.teacher_config`` (a path or ``package::path``), or ``cfg_path`` of
    ``model.teacher``; a teacher written out in the distillation config is taken
    to be trained as its student is.
    """
    name = options.teacher_config or cfg.model.teacher.get('cfg_path')
    if name is None:
        return cfg
    key = 'mcmi.teacher_config' if options.teacher_config else 'cfg_path'
    own = read_config(name, key)
    if 'optim_wrapper' in own:
        return own
    if options.teacher_config:
        raise UserError(f'mcmi.teacher_config: {name} has no optim_wrapper')
    return cfg


def _take_precision(given: ConfigDict, optim: ConfigDict) -> None:
    """Mixed precision, with all that belongs to it, is for both stages."""
    if short_name(given.get('type')) != AmpOptimWrapper.__name__:
        return
    optim.type = given.type
    for key in inspect.signature(AmpOptimWrapper).parameters:
        if key in given:
            optim[key] = copy.deepcopy(given[key])
    optim.setdefault('loss_scale', 'dynamic')
