"""What a finished training leaves for its report, besides its log: report.json."""

import json
import os.path as osp
import platform
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.nn.parallel import DistributedDataParallel

from mcmi_plugin.errors import one_line
from mcmi_plugin.evaluation.predictions import Predictions
from mcmi_plugin.hooks.mcmi_teacher_hook import MCMITeacherHook
from mcmi_plugin.provenance import versions
from mcmi_plugin.report.predictions import predict_some
from mcmi_plugin.weights.held import TEACHER_FILE_KEY
from mcmi_plugin.whole_file import whole_file

_FILE = 'report.json'
# A second of a small student, and a minute of a large one without loading workers.
_NUM_IMAGES = 1000


def write_record(runner: Runner) -> None:
    """Write ``report.json`` into the work dir of a Runner at its end.

    The confusion matrix is of up to 1,000 validation samples, by the student in
    memory; in this process alone, so the others need not take part.

    Raises:
        UserError: the file cannot be written.
    """
    hooks = [hook for hook in runner.hooks if isinstance(hook, MCMITeacherHook)]
    teacher = None
    if hooks and hooks[0].provenance is not None:
        teacher = dict(
            file=runner.message_hub.runtime_info.get(TEACHER_FILE_KEY),
            mcmi=hooks[0].provenance,
            control=hooks[0].control,
        )
    record = dict(
        timestamp=runner.timestamp,
        config=osp.basename(runner.cfg.filename or ''),
        command=shlex.join(['python', *sys.argv]),
        versions=dict(python=platform.python_version(), **versions()),
        device=_device(runner),
        processes=get_world_size(),
        seconds=_seconds_since(runner.timestamp),
        parameters=_parameters(runner.model),
        teacher=teacher,
        confusion=_confusion(runner),
    )
    with whole_file(Path(runner.work_dir, _FILE), 'w') as file:
        json.dump(record, file)


def read_record(work_dir: Path, timestamp: str) -> dict:
    """The record of the training that began at ``timestamp``; {} if it is another's."""
    try:
        record = json.loads((work_dir / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    same = isinstance(record, dict) and record.get('timestamp') == timestamp
    return record if same else {}


def sparse(predictions: Predictions, available: int) -> dict:
    """A confusion matrix as JSON keeps it: what is not zero of [C, C]."""
    counts = predictions.confusion().numpy()
    cells = [[int(t), int(p), int(counts[t, p])] for t, p in np.argwhere(counts)]
    return dict(
        classes=predictions.classes,
        cells=cells,
        samples=len(predictions.labels),
        available=available,
    )


def dense(confusion: dict) -> np.ndarray:
    """[C, C] int64 counts of :func:`sparse`."""
    counts = np.zeros((len(confusion['classes']),) * 2, dtype=np.int64)
    for true, predicted, number in confusion['cells']:
        counts[true, predicted] = number
    return counts


def _confusion(runner: Runner) -> dict:
    if runner.val_loop is None:
        return dict(missing='the config has no validation set (val_dataloader)')
    model = _whole(runner.model)
    if model is None:  # all would have to join
        kind = type(runner.model).__name__
        return dict(missing=f'{kind} runs in all processes only')
    try:
        loader = runner.val_loop.dataloader
        found = predict_some(
            getattr(model, 'architecture', model),
            model.data_preprocessor,
            loader.dataset,
            _NUM_IMAGES,
            batch_size=loader.batch_size or 64,
            collate=loader.collate_fn,
        )
    except Exception as error:  # of a network or data of any kind; training is done
        return dict(missing=one_line(error))
    return sparse(found, len(loader.dataset))


def _whole(model: Any) -> Any:
    """The model without its wrapper; None where a process has a part of it only."""
    if not is_model_wrapper(model):
        return model
    return model.module if isinstance(model, DistributedDataParallel) else None


def _parameters(model: Any) -> dict[str, int]:
    """How many the student has, and the teacher if there is one."""
    whole = _whole(model)
    networks = [('student', getattr(whole, 'architecture', whole))]
    networks += [('teacher', getattr(whole, 'teacher', None))]
    return {
        name: sum(parameter.numel() for parameter in network.parameters())
        for name, network in networks
        if network is not None
    }


def _seconds_since(timestamp: str) -> float:
    """Since the Runner was built, by the name that it gave its folder."""
    begun = time.mktime(time.strptime(timestamp, '%Y%m%d_%H%M%S'))
    return max(time.time() - begun, 0.0)


def _device(runner: Runner) -> str:
    kind = next(runner.model.parameters()).device.type
    return torch.cuda.get_device_name() if kind == 'cuda' else kind
