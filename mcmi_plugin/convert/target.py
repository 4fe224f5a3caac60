"""The model that a checkpoint is converted for."""

from mmengine.config import Config, ConfigDict
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.networks import build_network, standing_alone
from mcmi_plugin.teacher.model import teacher_model
from mcmi_plugin.type_names import short_name


def build_target(cfg: Config) -> tuple[nn.Module, str]:
    """Build the classifier of a config, or the teacher of a distillation config.

    No weights are read or downloaded.

    Returns:
        The model, in evaluation mode, and the config key that it stands under.

    Raises:
        UserError: the config has neither, or it cannot be built.
    """
    model, key = _classifier(cfg)
    of_timm = short_name(model.get('type')) == 'TimmClassifier'
    if 'backbone' not in model and not of_timm:
        raise UserError(
            f'{cfg.filename}: {key} has no backbone; name the config of a classifier, '
            'or of a distillation with model.teacher'
        )
    return build_network(model, cfg, key), key


def _classifier(cfg: Config) -> tuple[ConfigDict, str]:
    if 'teacher' in cfg.get('model', {}):
        return teacher_model(cfg), 'model.teacher'
    model = standing_alone(cfg.get('model') or ConfigDict(), ConfigDict())
    model.pop('train_cfg', None)  # of mixed images
    return model, 'model'
