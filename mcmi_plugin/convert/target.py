"""The model that a checkpoint is converted for."""

import copy

from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.faults.names import REFUSALS
from mcmi_plugin.teacher.model import teacher_model


def build_target(cfg: Config) -> tuple[nn.Module, str]:
    """Build the classifier of a config, or the teacher of a distillation config.

    No weights are read or downloaded.

    Returns:
        The model, in evaluation mode, and the config key that it stands under.

    Raises:
        UserError: the config has neither, or it cannot be built.
    """
    model, key = _classifier(cfg)
    of_timm = str(model.get('type')).split('.')[-1] == 'TimmClassifier'
    if 'backbone' not in model and not of_timm:
        raise UserError(
            f'{cfg.filename}: {key} has no backbone; name the config of a classifier, '
            'or of a distillation with model.teacher'
        )
    for part in (model, model.get('backbone', {})):
        if 'pretrained' in part:  # timm would download
            part.pretrained = False
    try:
        with DefaultScope.overwrite_default_scope(
            cfg.get('default_scope') or 'mmpretrain'
        ):
            return MODELS.build(model).eval(), key
    except (*REFUSALS, RuntimeError, ImportError) as error:
        reason = one_line(error, 200)
        raise UserError(f'{cfg.filename}: {key} cannot be built ({reason})') from error


def _classifier(cfg: Config) -> tuple[ConfigDict, str]:
    if 'teacher' in cfg.get('model', {}):
        return teacher_model(cfg), 'model.teacher'
    model = copy.deepcopy(cfg.get('model') or ConfigDict())
    for key in ('init_cfg', 'train_cfg'):  # of no use here
        model.pop(key, None)
    return model, 'model'
