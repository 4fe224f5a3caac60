"""What plain mmpretrain needs beside its own classes to build a student."""

import importlib
import inspect
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.export.samples import Samples
from mcmi_plugin.type_names import short_name
from mcmi_plugin.version import __version__

# What an environment with mmpretrain has; timm's and transformers' networks stand
# behind mmpretrain's wrappers.
PLAIN = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain')
_WRAPPED = ('timm', 'transformers')
# The files of our networks need mmpretrain and, for a wrong argument, this.
_OF_THE_PACKAGE = {
    'from ..errors import UserError': 'UserError = ValueError',
    'from mmengine.registry import MODELS': 'from mmpretrain.registry import MODELS',
}


class Needed(NamedTuple):
    """Modules that ``student.py`` imports.

    Attributes:
        written: text by name: copies of the files that have our networks.
        users: names of modules of the user's own, which are not copied.
    """

    written: dict[str, str]
    users: list[str]

    @property
    def names(self) -> list[str]:
        return [*self.written, *self.users]


def in_mmpretrains_words(model: ConfigDict) -> ConfigDict:
    """A model's config, with mmpretrain's class where that is the same network.

    Of our CIFAR networks that is ResNet-50 alone: mmpretrain has neither depths of
    6n+2, nor wide ResNets, and its VGG, MobileNetV2 and ShuffleNets differ in their
    pooling, activations and widths.
    """
    backbone = model.get('backbone') or {}
    kind = short_name(backbone.get('type'))
    if (kind, backbone.get('depth'), backbone.get('shortcut', 'B')) == (
        'CIFARResNet', 50, 'B'
    ):  # fmt: skip
        backbone.pop('shortcut', None)
        width = dict(stem_channels=16, base_channels=16)  # the defaults of ours
        model.backbone = ConfigDict({**width, **backbone, 'type': 'ResNet_CIFAR'})
    return model


def needed(student: nn.Module, model: ConfigDict, cfg: Config) -> Needed:
    """The modules that hold classes of a student which are not mmpretrain's.

    Args:
        model: its config, in mmpretrain's words as far as there are.
        cfg: of the run, whose ``custom_imports`` may have registered it.

    Raises:
        UserError: a class is neither of a module of the user's nor of a file of ours
            that stands on its own.
    """
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else imports
    imports = [name for name in imports if name.partition('.')[0] != 'mcmi_plugin']
    renamed = str((model.get('backbone') or {}).get('type')) == 'ResNet_CIFAR'
    found = Needed({}, [])
    for name, module in student.named_modules():
        if renamed and name.partition('.')[0] == 'backbone':
            continue
        file = type(module).__module__
        package = file.partition('.')[0]
        if package in PLAIN + _WRAPPED:
            continue
        own = [given for given in imports if given.partition('.')[0] == package]
        text = _copy(file) if file.startswith('mcmi_plugin.models.') else None
        if text:
            found.written[f'student_{file.rpartition(".")[2]}'] = text
        elif own:
            found.users.extend(given for given in own if given not in found.users)
        else:
            raise UserError(
                f'--format mmpretrain: {name or "the model"} is a '
                f'{type(module).__name__} of {package}, which plain mmpretrain does '
                'not have and no module in custom_imports brings; use --format onnx '
                'or torch-export, which need neither'
            )
    return found


def _copy(file: str) -> str | None:
    """A module of ours for where this project is not; None if it needs more of it."""
    text = inspect.getsource(importlib.import_module(file))
    for here, there in _OF_THE_PACKAGE.items():
        text = text.replace(here, there)
    if 'from ..' in text or 'from .' in text or 'mcmi_plugin' in text:
        return None
    return (
        f'# A file of mcmi_plugin {__version__} (Apache-2.0) that student.py imports;\n'
        f'# it needs torch and mmpretrain.\n{text}'
    )


_ELSEWHERE = """
import json, sys
config, checkpoint, batches, answers, sys.path[:] = json.loads(sys.argv[1])
sys.modules['mcmi_plugin'] = None  # as where it is not installed
import torch
from mmpretrain import get_model
model = get_model(config)
saved = torch.load(checkpoint, weights_only=True)
model.load_state_dict(saved['state_dict'])
model.eval()
found = []
with torch.no_grad():
    for inputs in torch.load(batches, weights_only=True):
        prepared = model.data_preprocessor(dict(inputs=inputs), False)
        found.append(model(prepared['inputs'], mode='tensor'))
torch.save(found, answers)
"""


def answers_elsewhere(
    config: Path, checkpoint: Path, samples: Samples
) -> Sequence[Tensor]:
    """Logits of each batch, by a Python in which ``import mcmi_plugin`` fails.

    Raises:
        UserError: the files do not load there.
    """
    with tempfile.TemporaryDirectory() as folder:
        batches, answers = Path(folder, 'batches.pt'), Path(folder, 'answers.pt')
        torch.save([batch['inputs'] for batch in samples.batches], batches)
        files = [str(file) for file in (config, checkpoint, batches, answers)]
        words = json.dumps([*files, sys.path])
        done = subprocess.run(
            # Nothing but the student's files is to lie beside them.
            [sys.executable, '-B', '-c', _ELSEWHERE, words],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            why = (done.stderr.strip() or 'no reason given').splitlines()[-1][:200]
            raise UserError(
                '--format mmpretrain: the student cannot be loaded without '
                f'mcmi_plugin ({why}); use --format onnx or torch-export'
            )
        return torch.load(answers, weights_only=True)
