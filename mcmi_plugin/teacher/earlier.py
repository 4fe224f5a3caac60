"""Teachers of versions whose recipes said less: found, or told why not.

Their recipes held the folder of the data, not what they hold, and not the number of
processes. Falls away when nobody keeps such teachers any more.
"""

import os.path as osp

from mmengine.config import Config

from mcmi_plugin.log import log_warning
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.teacher import store
from mcmi_plugin.teacher.start import kept_teacher

# What a recipe may hold by now, in words; it goes on where the words begin.
_NEW = {
    'data_content': 'what the training set holds',
    'early_stopping_content': 'what the validation set holds',
    'val_data_content': 'what the validation set holds',
    'base_batch_size': 'auto_scale_lr.base_batch_size',
    'batch_size': 'the number of processes',
    'drop_last': 'drop_last',
    'samples_per_epoch': 'num_batch_per_epoch',
    'sync_bn': 'sync_bn',
    'val_drop_last': 'drop_last of val_dataloader',
    'val_samples_per_epoch': 'num_batch_per_epoch of val_dataloader',
}


def recipe_before(recipe: dict, stage_cfg: Config) -> dict:
    """A recipe as it was written before: with absolute folders and less of the rest."""
    before = {k: v for k, v in recipe.items() if k not in _NEW}
    loader = stage_cfg.train_dataloader
    hook = stage_cfg.custom_hooks[0]
    if 'epochs' in recipe:
        before['data'] = _absolute(loader.dataset.to_dict())
    else:  # handed over
        before['data'] = _absolute(hook.dataloader.dataset.to_dict())
    if 'centroid_data' in recipe:
        before['centroid_data'] = _absolute(hook.dataloader.dataset.to_dict())
    if 'early_stopping' in recipe:
        val = stage_cfg.val_dataloader.dataset
        before['early_stopping'] = _absolute(val.to_dict())
    if 'val_data' in recipe:
        before['val_data'] = _absolute(hook.val_dataloader.dataset.to_dict())
    if 'batch_size' in recipe:
        before['batch_size'] = loader.batch_size
    return before


def tell_of_earlier(root: str, name: str, recipe: dict, stage_cfg: Config) -> None:
    """Say why the teacher of an earlier version, if there is one, is not taken."""
    before = recipe_before(recipe, stage_cfg)
    path = osp.join(store.folder(root, name, before), store.TEACHER_FILE)
    if fingerprint(before) == fingerprint(recipe) or not osp.isfile(path):
        return
    if 'processes' in kept_teacher(path).made:  # of this version, without these keys
        return
    new = [words for key, words in _NEW.items() if recipe.get(key) != before.get(key)]
    log_warning(
        f'{path} is by an earlier version, whose recipe does not tell '
        f'{" and ".join(dict.fromkeys(new))}: the teacher is made anew; if that one is '
        f'right, name it as model.teacher_ckpt'
    )


def tell_if_earlier(path: str, provenance: dict) -> None:
    """Say what is taken for granted of a teacher that was found."""
    if 'processes' in provenance:
        return
    log_warning(
        f'{path} is by an earlier version, whose recipe does not tell the number of '
        'processes, drop_last and num_batch_per_epoch; it is taken for one of a single '
        'process without these two; if it is not, remove it'
    )


def _absolute(data: dict) -> dict:
    for key, value in data.items():
        if key in ('data_root', 'data_prefix') and isinstance(value, str) and value:
            if key == 'data_root' or not data.get('data_root'):
                data[key] = osp.abspath(osp.expanduser(value))
        elif isinstance(value, dict):
            _absolute(value)
        elif key == 'datasets':
            data[key] = [_absolute(part) for part in value]
    return data
