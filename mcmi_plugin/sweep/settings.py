"""What a sweep compares, and the data that it may look at."""

from dataclasses import replace

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mcmi_plugin.cells.arms import (
    CONTROLS,
    EARLY_STOPPED,
    NO_FINE_TUNE,
    TEMPERATURE,
    paired_seeds,
)
from mcmi_plugin.config_file import read_config
from mcmi_plugin.datasets.configs import measuring_loader, pipeline_in, with_pipeline
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.measure import measure
from mcmi_plugin.functional.mcmi import suggested_lambda_range
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job_config import job_config
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.runner.build import build_runner
from mcmi_plugin.teacher.in_words import dial
from mcmi_plugin.teacher.make import Job, provide_teacher
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_plugin.teacher.start import base_source
from mcmi_plugin.type_names import short_name
from mcmi_plugin.weights.held import made_by, read_held
from mcmi_plugin.weights.loading import load_weights, local_file, read_weights

HELD_OUT = 0.1  # of each class of the training set
_AROUND = ('CRDDataset', 'RepeatDataset', 'ClassBalancedDataset')


def all_settings(lmdas: list[float], cfg: Config) -> dict[str, dict]:
    """The options of every setting that is always run, controls first.

    Early stopping is among the controls where the config trains its teacher, and
    takes the last of its epochs.
    """
    controls = {**CONTROLS, 'temperature': TEMPERATURE}
    trained = cfg.mcmi.get('mll_epochs') and base_source(cfg)[0] is None
    if trained and not cfg.mcmi.get('snapshots'):
        controls['early stopping'] = EARLY_STOPPED
    return controls | {lambda_name(lmda): {'mcmi.lmda': lmda} for lmda in lmdas}


def lambda_name(lmda: float) -> str:
    return f'MCMI, lambda = {lmda:.3g}'


def grid(low: float, high: float, points: int) -> list[float]:
    """``points`` values of lambda from ``low`` to ``high``, evenly in their logs."""
    return [float(f'{lmda:.3g}') for lmda in np.geomspace(low, high, points)]


def held_out_config(
    path: str, options: dict, folder: str, teachers: str
) -> tuple[Config, str]:
    """The user's config without test data, for all settings to start from.

    A tenth of the training set is held out as ``val_dataloader``, for the teacher's
    selection and the student's score; ``test_dataloader`` is taken away.

    Returns:
        The config without a fine-tune, and the text that settings inherit.

    Raises:
        UserError: as :func:`mcmi_plugin.job_config.job_config`, there is no
            ``train_dataloader`` or ``val_dataloader``, or no lambda to search.
    """
    over = {k[5:]: v for k, v in options.items() if k.startswith('mcmi.')}
    _check_dial((read_config(path).get('mcmi') or {}) | over)
    # Of seed 0, whose teacher without a fine-tune is found by all settings.
    plain = options | NO_FINE_TUNE | paired_seeds(0)
    cfg = job_config(path, plain, folder)
    if not cfg.get('train_dataloader') or not cfg.get('val_dataloader'):
        raise UserError(
            f'{path}: a sweep needs train_dataloader, of which it holds a part out, '
            'and val_dataloader, for its unaugmented pipeline'
        )
    hold_out(cfg)
    written, said = Config(cfg.to_dict()), read_config(path)
    said.merge_from_dict(options)
    own = dict(teacher_dir=teachers, control=False, on_cliff='warn')
    if cfg.mcmi.get('dataset'):
        own['dataset'] = cfg.mcmi.dataset
    written.mcmi = dict(said.get('mcmi') or {}, **own)
    cfg.mcmi.update(own)
    return cfg, written.pretty_text


def _check_dial(mcmi: dict) -> None:
    form, reward = mcmi.get('form', 'fixed'), mcmi.get('reward', 'cmi')
    if form not in ('fixed', 'ema'):
        raise UserError(
            f'mcmi.form={form}: has no lambda to be searched; sweep without it: '
            '--cfg-options mcmi.form=fixed mcmi.eps=None'
        )
    if reward != 'cmi':
        raise UserError(
            f'mcmi.reward={reward}: a sweep is over lambda of the CMI; sweep without '
            'it: --cfg-options mcmi.reward=cmi'
        )


def hold_out(cfg: Config) -> None:
    """Split the training set in two; what was the validation set is left alone.

    Where the teacher has images of its own, a student's are often some of them: both
    are split below their wrappers then, so that what is held out is so from both.
    """
    loader, judge = cfg.train_dataloader, cfg.val_dataloader
    mcmi = cfg.get('mcmi') or {}
    below = bool(mcmi.get('dataset'))
    unaugmented = pipeline_in(judge.dataset)
    held_out = _part_of(loader.dataset, 'held_out', below)
    judge.dataset = with_pipeline(held_out, unaugmented)
    for owner in [loader, mcmi] if below else [loader]:
        owner.dataset = _part_of(owner.dataset, 'train', below)
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None


def _part_of(dataset: ConfigDict, part: str, below: bool) -> ConfigDict:
    """A part of a training set; of what is held out every sample is there once.

    Args:
        below: whether all wrappers stay around the part.
    """
    if 'datasets' in dataset:
        joined = [_part_of(one, part, below) for one in dataset.datasets]
        return ConfigDict(dataset, datasets=joined)
    # They count, or repeat, what they wrap.
    around = short_name(dataset.type) in _AROUND
    if around or (below and 'dataset' in dataset):
        inner = _part_of(dataset.dataset, part, below)
        if around and part == 'held_out':
            return inner
        whole = ConfigDict(dataset, dataset=inner)
        whole.pop('index_file', None)  # it is of the whole set's choice
        return whole
    split = dict(type='HoldOut', fraction=HELD_OUT, seed=0, part=part)
    return ConfigDict(split, dataset=dataset)


def check_start(cfg: Config) -> None:
    """The teacher to start from, where there is one, is no MCMI teacher already.

    It would be used as it is, whatever lambda a setting says.

    Raises:
        UserError: it is; the line names the key.
    """
    begun = [(cfg.get('load_from'), 'load_from'), base_source(cfg)[:2]]
    for source, key in begun:
        made = made_by(read_held(source, local_file(source, key))) if source else {}
        if made.get('stage') == 'mcmi':
            raise UserError(
                f'{key}: {source} holds an MCMI teacher already ({dial(made)}), so '
                'there is nothing to choose; name the teacher that it was made from '
                'as model.teacher_ckpt'
            )


def suggested_range(cfg: Config) -> tuple[float, float]:
    """The range of lambda that the centroids of the config's own teacher suggest.

    One pass over the training set; where ``mcmi.mll_epochs`` is to train the
    teacher, that is done first, and every setting finds it.
    """
    options = TeacherOptions(**cfg.mcmi)
    source, key, prefix = base_source(cfg)
    if source is None:
        # Bare names mean what they mean inside a Runner.
        scope = DefaultScope.overwrite_default_scope(cfg.get('default_scope'))
        with isolated(), scope:
            source = provide_teacher(Job(cfg, options, resume=True))
    weights, _ = read_weights(source, key, prefix)
    zero = replace(options, form='fixed', lmda=0.0)
    stage = stage_config(cfg, zero, 'mcmi', cfg.work_dir)
    with isolated():
        runner = build_runner(stage)
        load_weights(runner.model, weights, source)
        loader = runner.build_dataloader(measuring_loader(cfg, 'train'))
        num_classes = find_cmi_loss(runner.model).num_classes
        statistics = measure(runner.model, loader, num_classes, title='centroids')
    return suggested_lambda_range(statistics.log_centroids())
