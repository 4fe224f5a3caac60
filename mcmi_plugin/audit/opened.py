"""What an audit has before it: a classifier, its data, and where both come from."""

from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmpretrain.models.classifiers import BaseClassifier
from torch.utils.data import DataLoader

from mcmi_plugin.audit.model import build_teacher
from mcmi_plugin.audit.passes import build_loader
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.evaluation.predictions import data_name
from mcmi_plugin.provenance import versions
from mcmi_plugin.teacher.model import model_name


@dataclass(frozen=True)
class Opened:
    """A classifier whose weights are still random, where it will work, and loaders.

    Attributes:
        loaders: by split, unaugmented.
    """

    cfg: Config
    teacher: BaseClassifier
    loaders: dict[str, DataLoader]
    device: torch.device

    def described(self, checkpoint: str) -> dict[str, Any]:
        """Where an audit's figures come from, as plain words."""
        on_gpu = self.device.type == 'cuda'
        return dict(
            network=model_name(self.cfg),
            checkpoint=checkpoint,
            data={split: data_name(loader) for split, loader in self.loaders.items()},
            device=torch.cuda.get_device_name(self.device) if on_gpu else 'CPU',
            versions=versions(),
        )

    @staticmethod
    def provenance(found: dict) -> list[list[str]]:
        """Rows of what :meth:`described` has told, and of the command."""
        weights = [['weights, SHA-256', w] for w in [found.get('weights')] if w]
        return [
            ['command', found['command']],
            ['config', found['config']],
            ['checkpoint', found['checkpoint']],
            *weights,
            ['training set', found['data']['train']],
            ['held-out data', found['data']['val']],
            *([['people', found['people']['counts']]] if 'people' in found else []),
            ['device', found['device']],
            *([name, version] for name, version in found['versions'].items()),
        ]


def open_audit(cfg: Config, splits: list[str]) -> Opened:
    """Build the classifier of a config and the loaders of its data.

    Args:
        splits: of ``'train'``, ``'val'`` (the test set where there is no other) and
            ``'test'``, in this order.

    Raises:
        UserError: no classifier, or no data.
    """
    held_out = 'val_dataloader' if cfg.get('val_dataloader') else 'test_dataloader'
    check_data(cfg, ['train_dataloader', held_out, 'test_dataloader'][: len(splits)])
    teacher = build_teacher(cfg)
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    loaders = {split: build_loader(cfg, split) for split in splits}
    return Opened(cfg, teacher.to(device), loaders, device)
