"""The teacher that is audited: built from a config, filled from a checkpoint."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import Config, ConfigDict
from mmpretrain.models.classifiers import BaseClassifier

from mcmi_plugin.datasets.configs import with_dataset
from mcmi_plugin.errors import UserError
from mcmi_plugin.networks import build_network
from mcmi_plugin.teacher.model import teacher_model
from mcmi_plugin.weights.loading import load_weights, read_teacher


def as_distillation(cfg: Config) -> Config:
    """A config whose ``model.teacher`` is what is audited.

    A distillation config stays as it is, but for the data set that ``mcmi.dataset``
    gives its teacher; a classifier's config becomes one without a student. The test
    set is left alone where there is a validation set, unless people named its images.
    """
    cfg = copy.deepcopy(cfg)
    if cfg.get('val_dataloader') and not cfg.get('people_counts'):
        cfg.test_dataloader = None
    if 'teacher' in cfg.model:
        own = (cfg.get('mcmi') or {}).get('dataset')
        return with_dataset(cfg, own) if own else cfg
    classifier = cfg.model
    # Mixing belongs to training; an audit looks at whole images.
    classifier.pop('train_cfg', None)
    cfg.model = ConfigDict(teacher=classifier)
    if classifier.get('data_preprocessor'):
        cfg.model.data_preprocessor = classifier.data_preprocessor
    return cfg


@contextmanager
def users_keys(cfg: Config) -> Iterator[None]:
    """Errors about ``model.teacher`` name ``model`` where ``cfg`` is a classifier's."""
    key = 'model.teacher' if 'teacher' in cfg.model else 'model'
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace('model.teacher', key)) from error


def build_teacher(cfg: Config) -> BaseClassifier:
    """The network of ``cfg.model.teacher``, its weights still random.

    Raises:
        UserError: it is no classifier, or cannot be built.
    """
    teacher = build_network(teacher_model(cfg), cfg, 'model.teacher')
    if not isinstance(teacher, BaseClassifier):
        raise UserError(
            f'{cfg.filename}: model.teacher is a {type(teacher).__name__}, no '
            'classifier; name the config of a classifier, or of a distillation with '
            'a teacher'
        )
    return teacher


def fill_teacher(teacher: BaseClassifier, checkpoint: str) -> dict:
    """Fill a teacher strictly; of a distillation's checkpoint its teacher is taken.

    Args:
        checkpoint: as for :func:`mcmi_plugin.weights.loading.read_weights`.

    Returns:
        The checkpoint's ``meta['mcmi']``: how this project made it, or ``{}``.

    Raises:
        UserError: the checkpoint cannot be read, or is of another network.
    """
    state, meta = read_teacher(checkpoint, 'checkpoint')
    load_weights(teacher, state, checkpoint, 'checkpoint')
    return meta.get('mcmi') or {}
