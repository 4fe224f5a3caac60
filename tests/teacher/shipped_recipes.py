"""The recipes of the teachers that the shipped configs and studies ask for.

``python tests/teacher/shipped_recipes.py > tests/teacher/shipped_recipes.json`` writes
down what they are now: for a new config, or on purpose. Where a recipe has changed,
nobody finds the teacher again that was made by it.
"""

import functools
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import mmengine.config.utils
from mmengine.config import Config

from mcmi_plugin.datasets.content import Content
from mcmi_plugin.job_config import job_config
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.teacher import recipe
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_study.plan import read_study

CONFIGS = Path(__file__).parents[2] / 'configs'
IN_FILES = Content(10, 'what the files hold')
EMBEDDED = Content(10, None)  # the config says it all


def content(dataset: dict) -> Content:
    """Stands for what a data set holds, which need not be anywhere."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    own = ('Digits', 'SyntheticGaussian')
    return EMBEDDED if dataset['type'] in own else IN_FILES


def of_config(cfg: Config) -> dict[str, str]:
    """{name of the folder: fingerprint} of a config's teachers and their control."""
    (given,) = (hook for hook in cfg.custom_hooks if hook['type'] == 'MCMITeacherHook')
    options = TeacherOptions(**{k: v for k, v in given.items() if k != 'type'})
    found = {}

    def note(stage: str, options: TeacherOptions, made_by: dict) -> None:
        name = recipe.folder_name(cfg, options, stage)
        found[name] = fingerprint(made_by)[:12]

    if options.mll_epochs is not None:
        stage = stage_config(cfg, options, 'mll', '')
        val = None
        if stage.default_hooks.checkpoint.get('save_best'):
            val = content(stage.val_dataloader.dataset)
        train = content(stage.train_dataloader.dataset)
        note('mll', options, recipe.recipe_of(stage, options, train, None, val))
    for own in (options, options.of_control()) if options.form != 'none' else ():
        stage = stage_config(cfg, own, 'mcmi', '')
        train = content(stage.train_dataloader.dataset)
        note('mcmi', own, recipe.recipe_of(stage, own, train, 'weights'))
    if options.form == 'none' or options.temperature is not None:
        stage = stage_config(cfg, options.of_control(), 'mcmi', '')
        train = content(stage.train_dataloader.dataset)
        val = content(stage.custom_hooks[0].val_dataloader.dataset)
        made_by = recipe.recipe_of_handover(stage, options, train, 'weights', val)
        note('none', options, made_by)
    return found


def of_configs() -> dict[str, dict[str, str]]:
    found = {}
    for folder in ('mcmi', 'distill', 'examples'):
        for path in sorted((CONFIGS / folder).glob('*.py')):
            cfg = job_config(str(path), {})
            if cfg.get('mcmi'):
                found[f'{folder}/{path.stem}'] = of_config(cfg)
    return found


def of_studies() -> dict[str, dict[str, str]]:
    """At smoke scale, which has every arm: {study: {arm, folder: fingerprint}}."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((CONFIGS / 'study').glob('*.py')):
        found[f'study/{path.stem}'] = cells = {}
        with tempfile.TemporaryDirectory() as folder:
            for cell in read_study(str(path), 'smoke', folder, seeds=1).cells:
                cfg = job_config(cell.config, cell.options, folder)
                if cfg.get('mcmi'):
                    for name, made_by in of_config(cfg).items():
                        cells[f'{cell.name}: {name}'] = made_by
    return found


def now() -> dict[str, dict[str, str]]:
    # mmengine parses all of mmpretrain's metafiles for each of its configs.
    load = functools.cache(mmengine.config.utils.load)
    with mock.patch.object(mmengine.config.utils, 'load', load):
        return {**of_configs(), **of_studies()}


if __name__ == '__main__':
    json.dump(now(), sys.stdout, indent=1)
    print()
