"""Checks of a config before anything is built, trained or written."""

import difflib
import os
import os.path as osp
import tempfile
from collections.abc import Iterable
from dataclasses import fields

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader

from mcmi_plugin.checks.data import check_data_set
from mcmi_plugin.config_file import published_weights
from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.model import names_pretrained
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.weights.held import OF_TEACHER, tensors_of


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
    others = [h for h in cfg.get('custom_hooks') or [] if _kind(h) != hook['type']]
    cfg.custom_hooks = [*others, hook]


def _kind(hook: Hook | dict) -> str:
    kind = hook.get('type') if isinstance(hook, dict) else type(hook)
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


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
    if 'cfg_path' in teacher:
        cfg.model.teacher_ckpt = given or published_weights(teacher['cfg_path'])
    elif isinstance(teacher['pretrained'], str) and _is_plain_classifier(teacher):
        cfg.model.teacher_ckpt = given or teacher['pretrained']
    elif not given or teacher['pretrained'] is not True:
        return
    del teacher['pretrained']


def _is_plain_classifier(teacher: dict) -> bool:
    return str(teacher.get('type')).rpartition('.')[2] == 'ImageClassifier'


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
        load_from = cfg.get('load_from')
        also = f' ({load_from} holds none)' * bool(load_from)
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


LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def check_data(cfg: Config, loaders: Iterable[str] = LOADERS) -> None:
    """The data of a config are there and are what its data sets take them for.

    Args:
        cfg: the config.
        loaders: those that are going to be read; a config may have others.

    Raises:
        UserError: it names the folder and the override that moves it.
    """
    scope = cfg.get('default_scope')
    for loader in loaders:
        if cfg.get(loader):
            check_data_set(cfg[loader].dataset, f'{loader}.dataset', scope)
    own = (cfg.get('mcmi') or {}).get('dataset')
    if own:
        check_data_set(own, 'mcmi.dataset', scope)


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
