"""The distiller's teacher becomes an MCMI teacher before the first student step."""

import os.path as osp
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.job import JobPlan, tell_place
from mcmi_plugin.log import log_line, log_warning
from mcmi_plugin.teacher.make import Job, provide_control, provide_teacher
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.planned import epochs_in_words, in_brief, plan_of
from mcmi_plugin.teacher.start import Start, base_source
from mcmi_plugin.teacher.summary import write_summary
from mcmi_plugin.weights.filling import (
    check_teacher_filled,
    distiller_of,
    random_weights,
    teacher_files,
    watch_teacher,
)
from mcmi_plugin.weights.held import (
    CONTROL_META,
    OF_TEACHER,
    TEACHER_FILE_KEY,
    TEACHER_META,
    below,
    file_of,
    made_by,
    provenance_of_teacher,
    student_in,
    tensors_of,
)
from mcmi_plugin.weights.loading import load_weights, read_teacher, read_weights


@HOOKS.register_module()
class MCMITeacherHook(Hook):
    """Give the distiller an MCMI teacher: given, found, or fine-tuned now.

    Given: ``model.teacher_ckpt`` is an MCMI teacher already. Found: an earlier
    run of the same recipe has left it in ``teacher_dir``. Otherwise the teacher
    of ``model.teacher_ckpt`` is fine-tuned here, in a Runner of its own with its
    own log, and kept. With ``form='none'`` it is measured and handed over as it
    is. Every later step of the distillation is MMRazor's.

    ``tools/train.py`` adds this hook where a config says ``mcmi``; elsewhere
    write it into ``custom_hooks``::

        custom_hooks = [dict(type='MCMITeacherHook', lmda=0.1, epochs=10)]

    Raises:
        UserError: an option out of its range, or no way to a teacher.
    """

    # Before every other hook sees the model, after it was resumed.
    priority = 'VERY_HIGH'

    def __init__(self, **options) -> None:
        self.options = TeacherOptions(**options)
        self.provenance: dict | None = None
        self.control: dict | None = None
        self.plan = JobPlan({}, 0)
        # Of the teacher that load_from or a resume has put in: file, meta['mcmi'].
        self.loaded: tuple[str, dict] | None = None

    def before_run(self, runner: Runner) -> None:
        model = distiller_of(runner)
        if model is None:
            return
        if not runner.cfg:
            raise UserError(
                'MCMITeacherHook: the Runner has no config to make a teacher by; build '
                'it by Runner.from_cfg(cfg), or give it cfg=cfg'
            )
        watch_teacher(model, runner.cfg.model)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not below(OF_TEACHER, tensors_of(checkpoint)):
            return
        source = runner._load_from or 'the checkpoint'
        self.loaded = (source, provenance_of_teacher(checkpoint))
        if runner._resume:
            self.control = (checkpoint.get('meta') or {}).get(CONTROL_META)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        for key, value in (
            (TEACHER_META, self.provenance),
            (CONTROL_META, self.control),
        ):
            if value is not None:
                checkpoint['meta'][key] = value

    def before_train(self, runner: Runner) -> None:
        model = distiller_of(runner)
        if model is None:
            log_warning(
                f'{type(runner.model).__name__} has no teacher, so mcmi has nothing to '
                'do'
            )
            return
        if model.teacher_trainable:
            raise UserError(
                'model.teacher_trainable=True would train the MCMI teacher away; set '
                'it to False'
            )
        path = self._resumed_teacher(runner, model) or self._teacher(runner, model)
        runner.message_hub.update_info(TEACHER_FILE_KEY, path)
        # What a distiller has derived from the first teacher's weights.
        if hasattr(model.distiller, 'init_ofd_connectors'):
            model.distiller.init_ofd_connectors(model.teacher)
        barrier()
        place = self.plan.place('student')
        tell_place(runner, place)
        words = _in_its_place(runner) or f'the student ({_length(runner)})'
        words += f'; the teacher of this distillation is {path}'
        log_line(place.before(words))

    def _plan_job(self, runner: Runner, held: Start | None) -> None:
        """Count the stages, and say them where there are several."""
        source = base_source(runner.cfg)[0] if held is None else held.source
        has_teacher = source is not None
        follow = 0 if _in_its_place(runner) else runner.max_iters
        self.plan = plan_of(self.options, has_teacher, follow)
        if has_teacher and self.options.mll_epochs is not None:
            log_warning(
                f'mcmi.mll_epochs={self.options.mll_epochs}: is not used, because a '
                f'teacher is given ({source}); leave one of the two out'
            )
        if self.plan.epochs:
            last = _in_its_place(runner) or f'student, {_length(runner)}'
            log_line(in_brief(self.plan, self.options, last))

    def _resumed_teacher(self, runner: Runner, model: Any) -> str | None:
        """A resumed student goes on with the teacher it had: its file, or None."""
        known = runner.message_hub.runtime_info.get(TEACHER_FILE_KEY)
        if not runner._resume or known is None:
            return None
        if self.loaded is not None and self.loaded[1]:
            self.provenance = self.loaded[1]  # its weights came with the checkpoint
        elif osp.isfile(known):
            self._load(model.teacher, known)
        else:
            return None  # the same recipe makes it again
        lacks_control = self.control is None
        given = not lacks_control or self._has_start(runner)
        held = None if given else self._held(runner, model)
        self._plan_job(runner, held)
        if lacks_control:
            self._find_control(self._job(runner, held))
        return known

    def _teacher(self, runner: Runner, model: Any) -> str:
        """The teacher of a student that begins, in its place, and its file."""
        held = self._held(runner, model)
        self._plan_job(runner, held)
        job = self._job(runner, held)
        path = provide_teacher(job)
        if held is not None and path == held.source:
            self.provenance = held.made  # its weights are there already
        else:
            self._load(model.teacher, path)
        self._find_control(job)
        return path

    def _load(self, teacher: nn.Module, path: str) -> None:
        state, meta = read_teacher(path, 'mcmi.teacher_dir')
        load_weights(teacher, state, path, 'mcmi.teacher_dir')
        self.provenance = meta['mcmi']

    def _find_control(self, job: Job) -> None:
        if not self.options.control or self.options.form == 'none':
            return
        path = provide_control(job)
        if path is not None:
            self.control = read_weights(path, 'mcmi.teacher_dir')[1]['mcmi']

    def _job(self, runner: Runner, held: Start | None) -> Job:
        dataset, resume = runner.train_dataloader.dataset, runner._resume
        return Job(runner.cfg, self.options, dataset, resume, held, self.plan)

    def _has_start(self, runner: Runner) -> bool:
        """Whether the config itself says what the fine-tune begins with."""
        return bool(runner.cfg.model.get('teacher_ckpt') or self.options.mll_epochs)

    def _held(self, runner: Runner, model: Any) -> Start | None:
        """The teacher that is in the model: file, weights and ``meta``.

        None where none has been put in but by ``teacher_ckpt``, of which the file is
        asked. What is loaded last counts, as in mmengine.
        """
        teacher, files = model.teacher, teacher_files(model).values()
        if self.loaded is not None:
            source, made = self.loaded
        elif runner.cfg.model.get('teacher_ckpt'):
            return None
        elif files:
            source = next(iter(files))
            file = CheckpointLoader.load_checkpoint(file_of(source), 'cpu')
            made = made_by(file if source == file_of(source) else student_in(file))
        elif random_weights(teacher) or getattr(teacher, 'needs_no_training', False):
            return None
        else:  # pretrained=True of a class that fills itself
            source, made = 'model.teacher', {}
        check_teacher_filled(model)
        return Start(source, dict(teacher.state_dict()), dict(mcmi=made))

    def after_run(self, runner: Runner) -> None:
        if self.provenance is not None and is_main_process():
            write_summary(
                runner, self.provenance, self.control, osp.join(runner.work_dir, 'mcmi')
            )


def _in_its_place(runner: Runner) -> str:
    """What a hook does in place of the student's training, in words; '' of none."""
    said = (getattr(hook, 'in_place_of_student', '') for hook in runner.hooks)
    return next(filter(None, said), '')


def _length(runner: Runner) -> str:
    """How long a student trains, in words."""
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        return epochs_in_words(runner.max_epochs)
    return f'{runner.max_iters} iterations'
