"""The student of a work dir, as the distiller has it and on its own."""

import copy
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.model import BaseDataPreprocessor
from torch import nn

from mcmi_plugin.checks.sources import check_sources
from mcmi_plugin.errors import UserError
from mcmi_plugin.export.work_dir import check_folder, find_checkpoint, find_config
from mcmi_plugin.job_config import job_config
from mcmi_plugin.networks import (
    build_network,
    drop_pretrained,
    standing_alone,
    without_mixing,
)
from mcmi_plugin.type_names import short_name
from mcmi_plugin.weights.held import AUXILIARY, STUDENT
from mcmi_plugin.weights.loading import load_weights, read_weights

# A classifier that carries more than its network: what the network alone is, the
# arguments that go, and where the weights lie that go.
_CARRIERS = {
    'AuxiliaryImageClassifier': (
        'mmpretrain.ImageClassifier',
        ('auxiliary_only',),
        AUXILIARY,
    )
}


@dataclass(frozen=True)
class Source:
    """A run's student.

    Attributes:
        cfg: the run's config.
        checkpoint: the file that the weights are from.
        meta: of that checkpoint.
        trained: the network inside the distiller (or the classifier of a run
            without one), in evaluation mode.
        preprocessor: of the distiller, which prepares the images.
        model: config of the student alone.
        student: the student alone, with the same weights, in evaluation mode.
    """

    cfg: Config
    checkpoint: Path
    meta: dict
    trained: nn.Module
    preprocessor: BaseDataPreprocessor
    model: ConfigDict
    student: nn.Module


def read_source(
    work_dir: str, checkpoint: str = 'last', options: dict | None = None
) -> Source:
    """Build the student of a work dir twice, inside its distiller and alone.

    Nothing is downloaded, and no code of the checkpoint is run.

    Args:
        work_dir: folder of a run: of a distillation, of an ordinary training of a
            classifier, or of an MCMI teacher.
        checkpoint: as for :func:`mcmi_plugin.export.work_dir.find_checkpoint`.

    Raises:
        UserError: no config, no whole checkpoint, or the two do not fit.
    """
    folder = Path(work_dir)
    check_folder(folder)
    config, path = find_config(folder), find_checkpoint(folder, checkpoint)
    cfg = job_config(str(config), options or {}, work_dir)
    if cfg.get('data_preprocessor'):  # as the Runner does
        cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    distilled = 'architecture' in cfg.model
    if distilled:
        cfg.model.architecture = standing_alone(cfg.model.architecture, cfg.model)
        if 'teacher_ckpt' in cfg.model:  # its weights are not asked for
            cfg.model.teacher_ckpt = None
    drop_pretrained(cfg.model)
    state, meta = read_weights(f'{STUDENT * distilled}{path}', '--checkpoint')
    try:
        algorithm = build_network(cfg.model, cfg, 'its model')
    except UserError:
        check_sources(cfg)
        raise
    trained = algorithm.architecture if distilled else algorithm
    load_weights(trained, state, str(path), '--checkpoint')
    model = copy.deepcopy(cfg.model.architecture if distilled else cfg.model)
    model.data_preprocessor, _ = without_mixing(
        cfg.model.get('data_preprocessor') or model.get('data_preprocessor') or {}
    )
    gone = _unload(model)
    student = build_network(model, cfg, 'its model')
    own = {k: v for k, v in state.items() if not k.startswith(gone)}
    load_weights(student, own, str(path), '--checkpoint')
    return Source(
        cfg=cfg,
        checkpoint=path,
        meta=meta,
        trained=trained,
        preprocessor=algorithm.data_preprocessor,
        model=model,
        student=student,
    )


def _unload(model: ConfigDict) -> tuple[str, ...]:
    """Leave what is no part of the network out of its config, in place.

    Returns:
        Prefixes of the weights that have gone with it.
    """
    for key in ('train_cfg', 'pretrained'):  # of training
        model.pop(key, None)
    head = model.get('head') or {}
    if head.get('loss', {}).get('type', '').endswith('CMILoss'):
        head.pop('loss')
    kind = short_name(model.type)
    if kind not in _CARRIERS:
        return ()
    model.type, arguments, prefix = _CARRIERS[kind]
    for argument in arguments:
        model.pop(argument, None)
    return (prefix,)
