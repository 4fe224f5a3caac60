"""The quick start in little, run in this process: a second a job."""

from pathlib import Path

import torch
from conftest import QUICKSTART
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner

from mcmi_plugin.commands import train
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job_config import job_config

SMALL = (
    'dict(backbone=dict(base_channels=4, stem_channels=4), head=dict(in_channels=32))'
)
TEXT = f"""
_base_ = [{str(QUICKSTART)!r}]
train_dataloader = dict(dataset=dict(indices=80))
val_dataloader = dict(dataset=dict(indices=40))
model = dict(teacher={SMALL}, architecture={SMALL})
mcmi = dict(epochs=1, mll_epochs=1, control=False)
train_cfg = dict(max_epochs=1)
param_scheduler = dict(T_max=1)
log_level = 'WARNING'
"""


def config(folder: Path, **options) -> Config:
    """The config, overridden; its work dir is ``folder/run``.

    Args:
        folder: gets the config file, once.
        options: with ``__`` in place of dots.
    """
    path = folder / 'small.py'
    path.write_text(TEXT)
    dotted = {key.replace('__', '.'): value for key, value in options.items()}
    return job_config(str(path), dotted, str(folder / 'run'))


def job(folder: Path, resume: bool | str = False, hooks=(), **options) -> Runner:
    """Run it to its end; the Runner, with the model in it."""
    with isolated():
        return train(config(folder, **options), resume, hooks)


def network(folder: Path, seed: int = 0) -> torch.nn.Module:
    """The config's teacher, which is the same network as its student, anew."""
    torch.manual_seed(seed)
    with isolated():
        return MODELS.build(config(folder).model.teacher)


def saved(path: Path, state: dict, **meta) -> str:
    torch.save(dict(state_dict=state, meta=meta), path)
    return str(path)


def same(first: dict, second: dict) -> bool:
    """Whether all of ``first`` is in ``second``."""
    return all(torch.equal(value, second[name]) for name, value in first.items())
