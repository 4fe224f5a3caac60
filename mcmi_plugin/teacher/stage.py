"""Run one teacher stage in a Runner of its own, inside another one's run."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import mmengine
import mmpretrain
import mmrazor
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import is_model_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, find_latest_checkpoint
from mmengine.visualization import Visualizer

import mcmi_plugin
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.teacher.weights import load_weights


def run_stage(
    cfg: Config, resume: bool, weights: dict | None = None, source: str = ''
) -> tuple[dict, dict]:
    """Train a stage to its end.

    Args:
        cfg: from :func:`mcmi_plugin.teacher.recipe.stage_config`.
        resume: continue from the stage's last checkpoint, if it has one.
        weights: state dict that the stage starts from; None: from scratch.
        source: where ``weights`` come from, for errors.

    Returns:
        The classifier's weights on the CPU, without the loss's centroids, and
        what the stage's hooks have recorded.

    Raises:
        UserError: the weights are not this network's, or the data do not do.
    """
    last = find_latest_checkpoint(cfg.work_dir) if resume else None
    cfg.resume, cfg.load_from = last is not None, last
    if is_main_process() and not cfg.resume:
        remove_checkpoints(cfg.work_dir)
    with isolated():
        runner = Runner.from_cfg(cfg)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if weights is not None:
            load_weights(model, weights, source)
            model._is_init = True  # or the Runner would initialise it again
        runner.train()
        record = {
            name.removeprefix('mcmi_'): value
            for name, value in runner.message_hub.runtime_info.items()
            if name.startswith('mcmi_')
        }
        record['dataset_meta'] = dict(
            getattr(runner.train_dataloader.dataset, 'metainfo', {})
        )
        loss = find_cmi_loss(model)
        own = {id(buffer) for buffer in loss.state_dict(keep_vars=True).values()}
        state = {
            name: value.detach().cpu().clone()
            for name, value in model.state_dict(keep_vars=True).items()
            if id(value) not in own
        }
    return state, record


def remove_checkpoints(work_dir: str) -> None:
    """Remove what a stage has saved on its way; a later run would resume it."""
    saved = Path(work_dir).glob('epoch_*.pth')
    for path in [*saved, Path(work_dir) / 'last_checkpoint']:
        path.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of what made a teacher, for its provenance."""
    packages = (mcmi_plugin, torch, mmengine, mmpretrain, mmrazor)
    return {package.__name__: package.__version__ for package in packages}


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Put back what an inner Runner changes for the one around it.

    The random state, so that a student is the same whether its teacher was made
    now or found ready; and mmengine's current logger, message hub, visualizer
    and scope, which would stay the inner Runner's.
    """
    managers = [MMLogger, MessageHub, DefaultScope, Visualizer]
    managers += Visualizer.__subclasses__()
    kept = [(manager, dict(manager._instance_dict)) for manager in managers]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        for manager, instances in kept:
            for name in [n for n in manager._instance_dict if n not in instances]:
                inner = manager._instance_dict.pop(name)
                for handler in getattr(inner, 'handlers', []):
                    handler.close()
                if isinstance(inner, Visualizer):
                    inner.close()
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
