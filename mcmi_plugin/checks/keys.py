"""Keys of a config that nothing reads, because they are misspelt or stand alone."""

from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.closest import did_you_mean
from mcmi_plugin.log import log_warning

# What the Runner and these commands read at the top of a config. Other names are
# variables of the config's own, unless they are almost one of these.
KNOWN = (
    *('model', 'data_preprocessor', 'load_from', 'resume', 'find_unused_parameters'),
    *('train_dataloader', 'val_dataloader', 'test_dataloader', 'data_fraction'),
    *('train_cfg', 'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator'),
    *('optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'model_wrapper_cfg'),
    *('default_hooks', 'custom_hooks', 'custom_imports', 'default_scope'),
    *('log_processor', 'log_level', 'visualizer', 'vis_backends', 'work_dir'),
    *('runner_type', 'experiment_name', 'randomness', 'env_cfg'),
    *('mcmi', 'fast', 'teacher_store', 'people_counts'),
)
ALIKE = 0.9  # difflib's ratio: one letter missing, doubled or swapped in a long key
_DEFAULT_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
_TOGETHER = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)


def check_keys(cfg: Config) -> None:
    """No key is almost one that would have been read, and none lacks its like.

    Raises:
        UserError: it names the key and the one that was probably meant.
    """
    if not isinstance(cfg.get('model'), dict):
        raise UserError('model is not set; a config says which network it is about')
    for key in cfg.keys() - set(KNOWN):
        if meant := did_you_mean(key, KNOWN, least=ALIKE):
            raise UserError(f'{key} is read by nothing; {meant}')
    if not isinstance(cfg.get('custom_hooks') or [], (list, tuple)):
        raise UserError(
            'custom_hooks is no list; write custom_hooks = [dict(type=...)] into the '
            'config'
        )
    for name, hook in (cfg.get('default_hooks') or {}).items():
        if hook is None and name not in _DEFAULT_HOOKS:
            raise UserError(
                f'default_hooks.{name}=None: there is no such hook to be left out; '
                f'leave out {", ".join(_DEFAULT_HOOKS)}, or take the key away'
            )
        if name not in _DEFAULT_HOOKS and isinstance(hook, dict) and 'type' not in hook:
            raise UserError(
                f'default_hooks.{name} has no type and is none of '
                f'{", ".join(_DEFAULT_HOOKS)}; '
                + did_you_mean(name, _DEFAULT_HOOKS, 'default_hooks.', 0)
            )


def check_together(cfg: Config) -> None:
    """A loader has its loop and its evaluator, or none of them is there.

    Raises:
        UserError: it names the key that is missing.
    """
    for keys in _TOGETHER:
        given = [key for key in keys if cfg.get(key) is not None]
        missing = [key for key in keys if key not in given]
        if given and missing:
            remedy = f'set it, or set {", ".join(given)} to None'
            if keys[0] == 'train_dataloader':
                remedy = 'a training needs it'
            raise UserError(
                f'{missing[0]} is not set, but {", ".join(given)} is; {remedy}'
            )
    if cfg.get('train_dataloader') is None:
        raise UserError('train_dataloader is not set; a training needs it')


def tell_of_mixing(cfg: Config) -> None:
    """Warn of a student's own Mixup or CutMix, which MMRazor never asks for.

    A distiller prepares the batches, and mixes them where its own
    ``data_preprocessor`` says so.
    """
    student = cfg.get('model', {}).get('architecture')
    mixing = isinstance(student, dict) and student.get('train_cfg')
    if mixing and mixing.get('augments'):
        log_warning(
            'model.architecture.train_cfg.augments mixes no image in a distillation; '
            'if it shall, say data_preprocessor=dict(batch_augments=...)'
        )
