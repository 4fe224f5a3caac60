"""The config of a job: read, overridden, and made ready to be run."""

import os.path as osp
from collections.abc import Iterable
from dataclasses import fields

import torch
from mmengine.config import Config

from mcmi_plugin.checks.keys import check_keys
from mcmi_plugin.checks.values import check_values
from mcmi_plugin.config_file import published_weights, read_config
from mcmi_plugin.datasets.part import LOADERS, take_part
from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.fast.parts import use_fast_parts
from mcmi_plugin.faults.values import require_options
from mcmi_plugin.losses.cmi_arguments import BUDGETED
from mcmi_plugin.stored.options import read_options
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.trackers import keep_local_record
from mcmi_plugin.type_names import short_name

STANDARD_HOOKS = (
    'RandomStateHook',
    'ResumeOptimizerHook',
    'ResumeValidationHook',
    'FreshStartHook',
    'FiniteLossHook',
    'GivenWeightsHook',
    'SameNormsHook',
    'ProgressBarHook',
)
# Keys that are on, or that hold their options and are on by them.
_SWITCHES = ('fast', 'teacher_store')


def job_config(
    path: str, options: dict, work_dir: str | None = None, launcher: str = 'none'
) -> Config:
    """A config file, overridden and made ready for a job.

    Args:
        work_dir: by default the config's own, or ``work_dirs/NAME``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        UserError: no such file, or it cannot be read, or an unknown key of mcmi.
    """
    cfg = overridden(path, options)
    check_keys(cfg)
    check_values(cfg)
    take_part(cfg)
    use_fast_parts(cfg)
    keep_local_record(cfg)
    log = cfg.get('log_processor') or {}
    if isinstance(log, dict):  # not one that is built
        cfg.log_processor = dict(type='JobLogProcessor') | log
    cfg.launcher = launcher
    name = osp.splitext(osp.basename(path))[0]
    cfg.work_dir = work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    _settle_loaders(cfg)
    for hook in STANDARD_HOOKS:
        add_hook(cfg, type=hook)
    settle_teacher_source(cfg)
    add_teacher_hook(cfg, options)
    add_store_hook(cfg)
    return cfg


def overridden(path: str, options: dict) -> Config:
    cfg = read_config(path)
    for key in options:
        if key.split('.')[0] in ('pair', 'method'):
            raise UserError(
                f'--cfg-options {key}: has gone into `model` already, when the config '
                'was read; override the key below `model`'
            )
    for switch in _SWITCHES:
        if any(key.startswith(f'{switch}.') for key in options):
            options = {k: v for k, v in options.items() if (k, v) != (switch, True)}
            if cfg.get(switch) is True:
                cfg[switch] = {}  # into which fast.graph=True goes
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f'--cfg-options: {one_line(error)}') from error
    return cfg


def _settle_loaders(cfg: Config) -> None:
    for loader in LOADERS:
        if cfg.get(loader):
            if cfg[loader].get('type') == 'ResidentLoader':
                cfg.setdefault('runner_type', 'ResidentRunner')  # which knows it
            # mmpretrain's collate of its own is slower than torch's.
            cfg[loader].setdefault('collate_fn', dict(type='default_collate'))
            cfg[loader].setdefault('pin_memory', torch.cuda.is_available())
            workers = cfg[loader].get('num_workers', 0) > 0
            cfg[loader].setdefault('persistent_workers', workers)
            cfg[loader].persistent_workers &= workers  # torch refuses it with none
    if cfg.get('train_dataloader'):
        # Workers that outlive an epoch have random states that no checkpoint holds.
        cfg.train_dataloader.persistent_workers = False


def add_teacher_hook(cfg: Config, given: Iterable[str] = ()) -> None:
    """Turn the key ``mcmi`` into the hook that acts on it.

    ``mcmi`` is a key of its own, because two bases of one config may not both
    say ``custom_hooks``. Every recipe says lambda; where another form needs none,
    the recipe's is left out.

    Args:
        given: dotted keys that the overrides named. A lambda among them was meant.

    Raises:
        UserError: a key or value of ``mcmi`` that does not exist.
    """
    options = cfg.get('mcmi')
    if options is None:
        return
    require_options('mcmi', options, [field.name for field in fields(TeacherOptions)])
    if options.get('form') in (*BUDGETED, 'none') and 'mcmi.lmda' not in given:
        options.pop('lmda', None)
    TeacherOptions(**options)
    add_hook(cfg, type='MCMITeacherHook', **options)


def add_store_hook(cfg: Config) -> None:
    """Turn the key ``teacher_store`` into the hook that acts on it.

    Raises:
        UserError: a key or value of it that does not exist.
    """
    options = read_options(cfg.get('teacher_store'))
    if options is not None:
        add_hook(cfg, type='TeacherStoreHook', **options)


def add_hook(cfg: Config, **hook) -> None:
    """Add a hook, once: the config may be a dump of an earlier run."""
    kinds = [
        (h, short_name(h.get('type') if isinstance(h, dict) else type(h)))
        for h in cfg.get('custom_hooks') or []
    ]
    others = [other for other, kind in kinds if kind != hook['type']]
    cfg.custom_hooks = [*others, hook]


def settle_teacher_source(cfg: Config) -> None:
    """Let the teacher's weights come from one place, ``model.teacher_ckpt``.

    ``teacher.pretrained=True`` would download other weights first, to be
    overwritten, or load the only ones non-strictly, as mmpretrain's classifier does
    with its own ``pretrained=PATH``. What another class does with an argument of that
    name is its own affair.

    Raises:
        UserError: a ``cfg_path`` has no published weights.
    """
    teacher = cfg.get('model', {}).get('teacher')
    if not isinstance(teacher, dict) or not teacher.get('pretrained'):
        return
    given = cfg.model.get('teacher_ckpt')
    is_classifier = short_name(teacher.get('type')) == 'ImageClassifier'
    if 'cfg_path' in teacher:
        cfg.model.teacher_ckpt = given or published_weights(teacher['cfg_path'])
    elif isinstance(teacher['pretrained'], str) and is_classifier:
        cfg.model.teacher_ckpt = given or teacher['pretrained']
    elif not given or teacher['pretrained'] is not True:
        return
    del teacher['pretrained']
