"""Checks of a config before anything is built, trained or written."""

import difflib
import os
import os.path as osp
import tempfile
from collections.abc import Iterable
from dataclasses import fields

from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader
from mmpretrain import datasets

from mcmi_plugin.datasets import cifar
from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.model import names_pretrained
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.weights import OF_TEACHER, tensors_of


def add_teacher_hook(cfg: Config, given: Iterable[str] = ()) -> None:
    """Turn the key ``mcmi`` into the hook that acts on it.

    ``mcmi`` is a key of its own, because two bases of one config may not both
    say ``custom_hooks``. Every recipe says lambda; where another form needs none,
    the recipe's is left out.

    Args:
        cfg: the config, overridden.
        given: dotted keys that the overrides named. A lambda among them was meant.

    Raises:
        UserError: a key or value of ``mcmi`` that does not exist.
    """
    options = cfg.get('mcmi')
    if options is None:
        return
    known = [field.name for field in fields(TeacherOptions)]
    for key in options:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f'did you mean mcmi.{close[0]}? ' if close else ''
            raise UserError(f'mcmi.{key} is no option; {hint}({", ".join(known)})')
    if options.get('form') in ('budget', 'none') and 'mcmi.lmda' not in given:
        options.pop('lmda', None)
    TeacherOptions(**options)
    add_hook(cfg, type='MCMITeacherHook', **options)


def add_hook(cfg: Config, **hook) -> None:
    """Add a hook, once: the config may be a dump of an earlier run."""
    others = [h for h in cfg.get('custom_hooks') or [] if h['type'] != hook['type']]
    cfg.custom_hooks = [*others, hook]


def settle_teacher_source(cfg: Config) -> None:
    """Let the teacher's weights come from one place, ``model.teacher_ckpt``.

    ``teacher.pretrained=True`` would download other weights first, to be
    overwritten, or load the only ones non-strictly.
    """
    teacher = cfg.get('model', {}).get('teacher')
    if not isinstance(teacher, dict) or not teacher.pop('pretrained', False):
        return
    if not cfg.model.get('teacher_ckpt'):
        published = get_config(cfg.model.teacher.cfg_path, pretrained=True)
        cfg.model.teacher_ckpt = published.model_path


def check_teacher(cfg: Config) -> None:
    """A distiller has a teacher that was trained.

    MMRazor itself would distil from random weights without a word. That the files do
    fill the teacher is seen when they are loaded (``GivenWeightsHook``).

    Raises:
        UserError: nothing says where the teacher's weights are, or ``load_from``
            cannot be read.
    """
    model = cfg.get('model', {})
    if 'teacher' not in model or cfg.get('mcmi'):
        return
    given = model.get('teacher_ckpt') or names_pretrained(model.get('init_cfg'))
    if not given and not (
        names_pretrained(model.teacher)
        or _needs_no_training(model.teacher)
        or _holds_teacher(cfg.get('load_from'))
    ):
        also = f' ({cfg.load_from} holds none)' * bool(cfg.get('load_from'))
        raise UserError(
            f'model.teacher_ckpt is not set, so the teacher would be random{also}; '
            'name its checkpoint: --cfg-options model.teacher_ckpt=PATH'
        )


def _holds_teacher(load_from: str | None) -> bool:
    if load_from is None:
        return False
    checkpoint = CheckpointLoader.load_checkpoint(load_from, 'cpu')
    return any(name.startswith(OF_TEACHER) for name in tensors_of(checkpoint))


def _needs_no_training(teacher: dict) -> bool:
    # A class says so of itself: its weights are known, as GaussianPosterior's.
    return getattr(MODELS.get(teacher.get('type', '')), 'needs_no_training', False)


def check_data(cfg: Config) -> None:
    """Every folder that a data set names is there and not empty.

    Raises:
        UserError: it names the folder and the override that moves it.
    """
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader):
            _check_dataset(cfg[loader].dataset, f'{loader}.dataset')
    own = (cfg.get('mcmi') or {}).get('dataset')
    if own:
        _check_dataset(own, 'mcmi.dataset')


def _check_dataset(dataset: dict, key: str) -> None:
    if not isinstance(dataset, dict):
        return
    for name, part in (('dataset', dataset.get('dataset')), *_numbered(dataset)):
        if part:
            _check_dataset(part, f'{key}.{name}')
    root = dataset.get('data_root')
    named = 'data_root'
    if not root and isinstance(dataset.get('data_prefix'), str):
        root, named = dataset['data_prefix'], 'data_prefix'
    if not root or '://' in root:
        return
    kind = dataset.get('type', 'data set').split('.')[-1]
    if kind in ('CIFAR10', 'CIFAR100'):
        split = 'test' if dataset.get('test_mode') else 'train'
        split = dataset.get('split', split)
        cifar.find_source(getattr(datasets, kind), root, split, f'{key}.{named}')
        return
    folder = osp.abspath(osp.expanduser(root))
    remedy = f'name another folder: --cfg-options {key}.{named}=DIR'
    if kind == 'ImageNet' and osp.isdir(folder):
        folder = osp.join(folder, dataset.get('split', ''))
    if not osp.isdir(folder):
        raise UserError(f'{key}: no {kind} data in {folder}; {remedy}')
    try:
        empty = not any(os.scandir(folder))
    except OSError as error:
        raise UserError(
            f'{key}: cannot read {folder} ({error.strerror}); {remedy}'
        ) from error
    if empty:
        raise UserError(f'{key}: {folder} is empty; {remedy}')
    if kind == 'ImageNet' and not dataset.get('ann_file'):
        _check_class_folders(dataset, key, folder)


def _check_class_folders(dataset: dict, key: str, folder: str) -> None:
    classes = (dataset.get('metainfo') or {}).get('classes')
    wanted = len(classes) if classes else 1000
    found = sum(entry.is_dir() for entry in os.scandir(folder))
    if found != wanted:
        raise UserError(
            f'{key}: {found} class folders in {folder}, not {wanted}; name its '
            f'classes: --cfg-options {key}.metainfo.classes=A,B,...'
        )


def _numbered(dataset: dict) -> list[tuple[str, dict]]:
    return [
        (f'datasets.{i}', part) for i, part in enumerate(dataset.get('datasets') or [])
    ]


def check_work_dir(work_dir: str) -> None:
    """The work dir can be written.

    Raises:
        UserError: it cannot; the line says why.
    """
    try:
        os.makedirs(work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir):
            pass
    except OSError as error:
        raise UserError(
            f'work_dir: cannot write {osp.abspath(work_dir)} ({error.strerror}); name '
            'another folder: --work-dir DIR'
        ) from error
