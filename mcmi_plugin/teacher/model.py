"""The teacher of a distillation config as a classifier that stands on its own."""

import copy
import os.path as osp
import re

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mcmi_plugin.compat.normalisation import own_normalisation
from mcmi_plugin.config_file import network_of, read_named
from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.names import classes_named, parameters


def teacher_model(cfg: Config) -> ConfigDict:
    """``model.teacher`` as a classifier's config that stands on its own.

    Its ``data_preprocessor`` is the teacher's own where that prepares images in
    another way than the distiller's, as inside the distiller.
    """
    teacher = copy.deepcopy(cfg.model.teacher)
    name = teacher.pop('cfg_path', None)
    teacher.pop('pretrained', None)  # MMRazor's, beside cfg_path
    if name is not None:
        given, teacher = teacher, network_of(name)
        for key, value in given.items():  # as MMRazor does: defaults, no overrides
            teacher.setdefault(key, value)
    elif '_scope_' in cfg.model:
        teacher.setdefault('_scope_', cfg.model._scope_)
    drop_pretrained(teacher)
    if teacher.pop('train_cfg', None):
        _mixing_left_out('model.teacher.train_cfg')
    own = teacher.pop('data_preprocessor', None)
    common = _preprocessor(cfg)
    if own:
        own = _for_classifiers(own)
        network, distiller = (_built(part, cfg) for part in (own, common))
        if own_normalisation(network, distiller, inline=name is None) is None:
            own = None  # in the student's words, as the recipe has them
    teacher.data_preprocessor = own or common
    return teacher


def names_pretrained(part) -> bool:
    """Whether a model's config fills it with weights by itself."""
    if isinstance(part, dict):
        return (
            part.get('pretrained') not in (None, False)
            or part.get('type') in ('Pretrained', 'PretrainedInit')
            or any(names_pretrained(value) for value in part.values())
        )
    return isinstance(part, list) and any(names_pretrained(value) for value in part)


def drop_pretrained(model: ConfigDict) -> None:
    # In the teacher stage the weights are loaded strictly, from one place.
    for key in [k for k, v in model.items() if k == 'init_cfg' and names_pretrained(v)]:
        del model[key]
    if 'pretrained' in model:
        model.pretrained = False
    for part in model.values():
        if isinstance(part, dict):
            drop_pretrained(part)


def _preprocessor(cfg: Config) -> ConfigDict:
    """The one that a distiller prepares its batches by: its own, or the student's."""
    found = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor')
    if found is None and 'data_preprocessor' in cfg.model.get('architecture', {}):
        found = cfg.model.architecture.data_preprocessor
    if found is None and 'cfg_path' in cfg.model.get('architecture', {}):
        found = read_named(cfg.model.architecture.cfg_path).get('data_preprocessor')
    return _for_classifiers(found if found is not None else ConfigDict())


def _for_classifiers(preprocessor: ConfigDict) -> ConfigDict:
    """A copy that mmpretrain's classifiers take, without the mixing of images."""
    found = copy.deepcopy(preprocessor)
    kind = found.pop('type', 'ClsDataPreprocessor').split('.')[-1]
    if found.pop('batch_augments', None):
        _mixing_left_out('data_preprocessor.batch_augments')
    if kind == 'ImgDataPreprocessor':
        # mmpretrain's classifiers hand their preprocessor an argument that
        # mmengine's does not take; this is the same arithmetic.
        swapped = [found.pop(k, False) for k in ('bgr_to_rgb', 'rgb_to_bgr')]
        found.to_rgb = any(swapped)
        kind = 'ClsDataPreprocessor'
    found.pop('_scope_', None)
    found.type = f'mmpretrain.{kind}' if kind == 'ClsDataPreprocessor' else kind
    return found


def _built(preprocessor: ConfigDict, cfg: Config) -> nn.Module:
    scope = cfg.get('default_scope') or 'mmpretrain'
    with DefaultScope.overwrite_default_scope(scope):
        return MODELS.build(copy.deepcopy(preprocessor))


def _mixing_left_out(key: str) -> None:
    print_log(
        f'{key} is left out of the teacher stage: CMI is defined for hard labels, '
        'not for mixed ones',
        logger='current',
        level=30,
    )


def classes_place(network: dict) -> tuple[str, str] | None:
    """Where a classifier's config has its number of classes, or would have it.

    In its head, in itself (timm's), or in a backbone that has the last layer, as
    mmpretrain's VGG and AlexNet.

    Returns:
        Key of the part (``''``: the network itself) and key in it, or None.
    """
    parts = {key: part_of(network, key) for key in ('head', '', 'backbone')}
    for key, part in parts.items():
        for name in ('num_classes', 'num_labels'):
            if name in part:
                return key, name
    for key, part in parts.items():
        kinds = classes_named(part.get('type'))
        if any('num_classes' in parameters(kind) for kind in kinds):
            return key, 'num_classes'
    if str(network.get('type')).rpartition('.')[2] == 'TimmClassifier':
        return '', 'num_classes'  # handed on to timm
    return None


def part_of(network: dict, key: str) -> dict:
    """A part of a network's config; of ``''`` the network, of what is none nothing."""
    part = network.get(key) if key else network
    return part if isinstance(part, dict) else {}


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
    name = backbone.get('type', 'teacher').split('.')[-1]
    return f'{name}{backbone.get("depth", "")}'.lower()
