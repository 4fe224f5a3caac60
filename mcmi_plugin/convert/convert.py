"""Turn a checkpoint of another library into an ordinary one of mmpretrain."""

import hashlib
import os
import os.path as osp
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn

from mcmi_plugin.compat.checkpoints import load_checkpoint_file
from mcmi_plugin.convert import repdistiller, timm, torchvision
from mcmi_plugin.convert.naming import Naming, random_images
from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.recipe import teacher_model
from mcmi_plugin.teacher.weights import OPTIONAL, tensors_of

# Of the largest logit: random weights may give very small or very large ones.
TOLERANCE = 1e-4


def _same_names(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    names = {key: key for key in state if not OPTIONAL.search(key)}
    return Naming(names, None, 'not checked: the names are the same')


NAMINGS = {
    'torchvision': torchvision.naming,
    'timm': timm.naming,
    'repdistiller': repdistiller.naming,
    'hsakd': repdistiller.hsakd_naming,
    'mmpretrain': _same_names,
}
