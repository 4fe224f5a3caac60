"""A small classifier of the digits: its config, and a checkpoint with its weights."""

from pathlib import Path
from types import SimpleNamespace

import torch

from mcmi_plugin.audit.model import as_distillation, build_teacher
from mcmi_plugin.job_config import job_config

CLASSIFIER = """
_base_ = ['{project}/configs/_base_/datasets/digits.py']
default_scope = 'mmpretrain'
model = dict(
    type='ImageClassifier',
    backbone=dict(type='MLP', widths=[192, 16]),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=16))
"""


def write_teacher(folder: Path, project: Path) -> SimpleNamespace:
    """Write both files; their paths, and the ``state`` that is in the checkpoint."""
    config, checkpoint = folder / 'mlp.py', folder / 'mlp.pth'
    config.write_text(CLASSIFIER.replace('{project}', str(project)))
    torch.manual_seed(0)
    teacher = build_teacher(as_distillation(job_config(str(config), {})))
    # Untrained, but not without opinions.
    state = {
        name: 5 * value
        for name, value in teacher.state_dict().items()
        if 'preprocessor' not in name
    }
    torch.save(dict(state_dict=state, meta={}), checkpoint)
    return SimpleNamespace(config=config, checkpoint=checkpoint, state=state)
