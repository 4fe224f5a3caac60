"""The teacher of a distillation config as a classifier that stands on its own."""

import copy
import os.path as osp
import re

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS

from mcmi_plugin.config_file import read_config
from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_warning
from mcmi_plugin.networks import (
    built,
    classes_place,
    part_of,
    standing_alone,
    without_mixing,
)
from mcmi_plugin.normalisation import own_normalisation
from mcmi_plugin.type_names import short_name


def teacher_model(cfg: Config) -> ConfigDict:
    """``model.teacher`` as a classifier's config that stands on its own.

    Its ``data_preprocessor`` is the teacher's own where that prepares images in
    another way than the distiller's, as inside the distiller.
    """
    teacher = copy.deepcopy(cfg.model.teacher)
    teacher.pop('pretrained', None)  # MMRazor's, beside cfg_path
    teacher = standing_alone(teacher, cfg.model)
    if teacher.pop('train_cfg', None):
        _mixing_left_out('model.teacher.train_cfg')
    own = teacher.pop('data_preprocessor', None)
    common = _preprocessor(cfg)
    if own:
        own = _for_classifiers(own)
        network, distiller = (built(MODELS, part, cfg) for part in (own, common))
        inline = 'cfg_path' not in cfg.model.teacher
        if own_normalisation(network, distiller, inline) is None:
            own = None  # in the student's words, as the recipe has them
    teacher.data_preprocessor = own or common
    return teacher


def _preprocessor(cfg: Config) -> ConfigDict:
    """The one that a distiller prepares its batches by: its own, or the student's."""
    found = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor')
    if found is None and 'data_preprocessor' in cfg.model.get('architecture', {}):
        found = cfg.model.architecture.data_preprocessor
    if found is None and 'cfg_path' in cfg.model.get('architecture', {}):
        found = read_config(cfg.model.architecture.cfg_path, 'cfg_path').get(
            'data_preprocessor'
        )
    return _for_classifiers(found if found is not None else ConfigDict())


def _for_classifiers(preprocessor: ConfigDict) -> ConfigDict:
    """A copy that mmpretrain's classifiers take, without the mixing of images."""
    found, mixes = without_mixing(preprocessor)
    if mixes:
        _mixing_left_out('data_preprocessor.batch_augments')
    kind = short_name(found.pop('type', 'ClsDataPreprocessor'))
    found.pop('_scope_', None)
    found.type = f'mmpretrain.{kind}' if kind == 'ClsDataPreprocessor' else kind
    return found


def _mixing_left_out(key: str) -> None:
    log_warning(
        f'{key} is left out of the teacher stage: CMI is defined for hard labels, '
        'not for mixed ones'
    )


def num_classes_of(model: ConfigDict) -> int:
    """Classes of a classifier's config, see :func:`classes_place`.

    Raises:
        UserError: nobody says it; the line names the key.
    """
    part, key = classes_place(model) or ('head', 'num_classes')
    if key in part_of(model, part):
        return part_of(model, part)[key]
    where = '.'.join(filter(None, ('model.teacher', part, key)))
    raise UserError(f'{where} is not set; MCMI needs it')


def model_name(cfg: Config) -> str:
    """A short name of the teacher's network for folders and tables."""
    teacher = cfg.model.teacher
    if 'cfg_path' in teacher:
        return osp.splitext(osp.basename(teacher.cfg_path))[0]
    backbone = teacher.get('backbone', teacher)
    if 'model_name' in backbone:  # of timm or of the Hugging Face hub, wrapped
        return re.sub(r'[^\w.-]+', '-', str(backbone.model_name)).strip('-.')
    name = short_name(backbone.get('type', 'teacher'))
    return f'{name}{backbone.get("depth", "")}'.lower()
