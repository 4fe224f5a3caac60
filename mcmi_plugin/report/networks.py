"""A run's networks and validation set, built again from its work dir."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS
from mmengine.utils import import_modules_from_strings
from torch import nn

from mcmi_plugin.checks.data import check_data
from mcmi_plugin.datasets.configs import plain_dataset
from mcmi_plugin.errors import UserError
from mcmi_plugin.networks import build_network, built, drop_pretrained
from mcmi_plugin.report.work_dir import Run, last_checkpoint
from mcmi_plugin.teacher.in_words import begun_as
from mcmi_plugin.weights.held import file_of
from mcmi_plugin.weights.loading import load_weights, read_weights, weights_hash


@dataclass(frozen=True)
class Networks:
    """What a run has trained, what it was taught by, and what to show them.

    Attributes:
        by_name: ``'teacher, MLL'``, ``'teacher, MCMI'`` (or ``'teacher'``) and
            ``'student'``, as far as their weights are there; in eval mode.
        preprocessor: of the algorithm that they are in.
        dataset: the validation set.
        checkpoint: file of the student's weights.
    """

    by_name: dict[str, nn.Module]
    preprocessor: nn.Module
    dataset: Any
    checkpoint: Path


def rebuild(run: Run) -> Networks:
    """Build a run's networks from its config and its last whole checkpoint.

    Raises:
        UserError: no checkpoint, no data, or a model that cannot be built.
    """
    cfg = copy.deepcopy(run.config)
    if not cfg.get('val_dataloader'):
        raise UserError('the config has no validation set (val_dataloader)')
    found = last_checkpoint(run.folder)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    check_data(Config(dict(val_dataloader=cfg.val_dataloader)))
    model = build_network(_algorithm(cfg), cfg, 'model')
    dataset = built(DATASETS, plain_dataset(cfg.val_dataloader.dataset), cfg)
    weights, _ = read_weights(str(found), 'checkpoint')
    load_weights(model, weights, str(found), 'checkpoint')
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model.to(device)
    by_name: dict[str, nn.Module | None] = {}
    teacher = getattr(model, 'teacher', None)
    if teacher is not None:
        # Where the checkpoint leaves the teacher out, the model's is random.
        if not any(key.startswith('teacher.') for key in weights):
            teacher = _loaded(teacher, run.teacher.get('file'))
        provenance = run.teacher.get('mcmi')
        if provenance is not None and provenance.get('form') != 'none':
            source = (provenance.get('base') or {}).get('source')
            made_from = (provenance.get('recipe') or {}).get('base')
            before = _loaded(teacher, source, made_from)
            by_name = {f'teacher, {begun_as(provenance)}': before}
            by_name['teacher, MCMI'] = teacher
        else:
            by_name = {'teacher': teacher}
    by_name['student'] = getattr(model, 'architecture', model)
    there = {name: network for name, network in by_name.items() if network is not None}
    return Networks(there, model.data_preprocessor, dataset, found)


def _algorithm(cfg: Config) -> ConfigDict:
    model = cfg.model
    # All weights are in the checkpoint.
    drop_pretrained(model)
    if model.get('teacher_ckpt'):
        model.teacher_ckpt = None
    if cfg.get('data_preprocessor'):
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    return model


def _loaded(
    network: nn.Module | None, file: str | None, sha256: str | None = None
) -> nn.Module | None:
    """A copy of ``network`` with a file's weights; None where they are not there.

    Weights of another hash are others: the file was overwritten since.
    """
    if network is None or not file or not Path(file_of(file)).is_file():
        return None
    weights, _ = read_weights(file)
    if sha256 is not None and weights_hash(weights) != sha256:
        return None
    loaded = copy.deepcopy(network)
    load_weights(loaded, weights, file)
    return loaded
