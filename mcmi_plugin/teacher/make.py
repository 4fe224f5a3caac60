"""From a distillation config to the file of its MCMI teacher."""

import os.path as osp
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mmengine.config import Config

from mcmi_plugin.datasets.configs import with_dataset
from mcmi_plugin.datasets.content import Content
from mcmi_plugin.errors import UserError
from mcmi_plugin.job import JobPlan
from mcmi_plugin.log import log_line, log_warning
from mcmi_plugin.teacher import recipe
from mcmi_plugin.teacher.handover import hand_over
from mcmi_plugin.teacher.in_words import dial
from mcmi_plugin.teacher.keep import Wanted, find_or_make
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.planned import epochs_in_words, is_control, title_of
from mcmi_plugin.teacher.samples import content_in
from mcmi_plugin.teacher.stage import run_stage
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_plugin.teacher.start import Start, given_teacher, kept_teacher
from mcmi_plugin.weights.held import UNFINISHED
from mcmi_plugin.weights.loading import weights_hash


@dataclass(frozen=True)
class Job:
    """What a teacher is made by.

    Attributes:
        cfg: the distillation config.
        options: what ``mcmi`` says.
        dataset: ``train_dataloader.dataset`` of ``cfg``, where it is built already;
            what it holds is of the recipe.
        resume: continue an interrupted stage instead of starting it again.
        held: a teacher that ``load_from`` or an ``init_cfg`` has filled already,
            where that is the one to start from.
        plan: the stages of the job, for the words that announce them.
    """

    cfg: Config
    options: TeacherOptions
    dataset: Any = None
    resume: bool = False
    held: Start | None = None
    plan: JobPlan = JobPlan({}, 0)

    @cached_property
    def content(self) -> Content:
        """What the training set holds."""
        config = self.cfg.train_dataloader.dataset
        return content_in(self.cfg, config, self.dataset)

    @property
    def teachers(self) -> str:
        """The folder of all teachers."""
        beside = osp.dirname(osp.abspath(self.cfg.work_dir))
        given = self.options.teacher_dir or osp.join(beside, 'mcmi_teachers')
        return osp.expanduser(given)


def provide_teacher(job: Job) -> str:
    """The path of the MCMI teacher that a config asks for, made now if need be.

    All processes of a job call it together and get the same path.

    Raises:
        UserError: no teacher to start from, or it cannot be made.
    """
    options, plan = job.options, job.plan
    _check_validation(job.cfg, options)
    if options.dataset is not None:
        job = replace(job, cfg=with_dataset(job.cfg, options.dataset), dataset=None)
    start = _start(job)
    if start.made.get('stage') == 'mcmi':
        words = (
            f'{start.source} is an MCMI teacher already ({dial(start.made)}); it is '
            'used as it is'
        )
        log_line(plan.place('mcmi').before(words))
    elif options.form == 'none':
        return _handed_over(job, start)
    else:
        start = kept_teacher(_trained(job, 'mcmi', start))
    return start.source if options.temperature is None else _handed_over(job, start)


def provide_control(job: Job) -> str | None:
    """The lambda = 0 control of the teacher that :func:`provide_teacher` has given.

    Returns:
        Its path; None where that teacher was an MCMI teacher already, of whose own
        start nothing is here: the same fine-tune from it would be no control.
    """
    start = job.held or given_teacher(job.cfg)
    if start is not None and start.made.get('stage') == 'mcmi':
        log_warning(
            f'mcmi.control: {start.source} was an MCMI teacher already, so there is no '
            'control; start from the teacher that it was made from to have one'
        )
        return None
    return provide_teacher(replace(job, options=job.options.of_control()))


def _check_validation(cfg: Config, options: TeacherOptions) -> None:
    if cfg.get('val_dataloader'):
        return
    judges = dict(early_stopping=(True, 'cmi'), temperature=('validation',))
    for key, values in judges.items():
        value = getattr(options, key)
        if value in values:
            raise UserError(
                f'mcmi.{key}={value}: judges by val_dataloader, which the config does '
                f'not have; set val_dataloader, or leave mcmi.{key} out'
            )


def _start(job: Job) -> Start:
    """The teacher to start from: held, given, or trained first."""
    start = job.held or given_teacher(job.cfg)
    if start is None and job.options.mll_epochs is None:
        raise UserError(
            'model.teacher_ckpt is not set: MCMI fine-tunes a pre-trained teacher; '
            'name one, or set mcmi.mll_epochs to train it first'
        )
    start = start or kept_teacher(_trained(job, 'mll', None))
    if start.made.get('stage') == UNFINISHED:
        log_warning(
            f'{start.source} is a checkpoint on the way of a fine-tune, and is '
            'fine-tuned from there; name the teacher.pth beside it to use the finished '
            'teacher, or the teacher that it began with'
        )
    return start


def _trained(job: Job, stage: str, start: Start | None) -> str:
    """The teacher of one stage, ``'mll'`` or ``'mcmi'``."""
    options, plan, fine_tune = job.options, job.plan, stage == 'mcmi'
    counted = stage
    if is_control(options) and 'control' in plan.epochs:
        if fine_tune:
            counted = 'control'
        else:
            plan = JobPlan({}, 0)  # that stage was before: it is looked up once more
    stage_cfg = stage_config(job.cfg, options, stage, work_dir='')
    val = None
    if stage_cfg.default_hooks.checkpoint.get('save_best'):
        val = content_in(job.cfg, stage_cfg.val_dataloader.dataset)
    made_by = recipe.recipe_of(
        stage_cfg,
        options,
        job.content,
        weights_hash(start.weights) if start else None,
        val,
    )
    how = [epochs_in_words(made_by['epochs'])]
    if fine_tune and not is_control(options):
        how.insert(0, dial(vars(options)))
    wanted = Wanted(
        recipe.folder_name(job.cfg, options, stage),
        title_of(options, stage),
        made_by,
        stage_cfg,
        f' ({", ".join(how)})',
        plan.place(counted),
    )

    def make() -> tuple[dict, dict]:
        snapshots = None if fine_tune else options.snapshots
        state, record = run_stage(stage_cfg, job.resume, start, wanted.place, snapshots)
        mcmi = dict(
            stage=stage,
            lmda=options.lmda if fine_tune else 0.0,
            recipe=made_by,
            base=start.provenance() if start else dict(source=None, history=None),
        )
        if fine_tune:
            mcmi.update(form=options.form, eps=options.eps, reward=options.reward)
        return state, mcmi | record

    return find_or_make(wanted, job.teachers, make)


def _handed_over(job: Job, start: Start) -> str:
    """A teacher measured, and at another temperature where asked."""
    options, given = job.options, start.made
    fine_tuned = given.get('stage') == 'mcmi'
    stage_cfg = stage_config(job.cfg, options.of_control(), 'mcmi', work_dir='')
    val_loader = stage_cfg.custom_hooks[0].val_dataloader
    made_by = recipe.recipe_of_handover(
        stage_cfg,
        options,
        job.content,
        weights_hash(start.weights),
        val_loader and content_in(job.cfg, val_loader.dataset),
    )
    # What it was fine-tuned by may not be what `options` say: it may be given.
    name = recipe.folder_name(job.cfg, options, 'none')
    if fine_tuned:
        name = osp.basename(osp.dirname(start.source)) or 'mcmi'
    if options.temperature is not None:
        name += f'-T{options.temperature}'

    def make() -> tuple[dict, dict]:
        state, record = hand_over(stage_cfg, start, options.temperature)
        mcmi = dict(given, recipe=given.get('recipe', made_by), handed_over=made_by)
        if fine_tuned:
            del record['before']  # that of its fine-tune stands
        else:
            mcmi.update(stage='mll', form='none', lmda=0.0, history=[])
            mcmi.pop('teacher', None)  # is in `base`
            mcmi['base'] = start.provenance()
        return state, mcmi | record

    title = 'MCMI teacher' if fine_tuned else 'MLL teacher'
    return find_or_make(Wanted(name, title, made_by, stage_cfg), job.teachers, make)
