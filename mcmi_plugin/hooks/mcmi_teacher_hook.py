"""The distiller's teacher becomes an MCMI teacher before the first student step."""

import os.path as osp

from mmengine.dist import barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.report.summary import write_summary
from mcmi_plugin.teacher.make import provide_teacher
from mcmi_plugin.teacher.model import names_pretrained
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.weights import load_teacher, read_weights

RECORD = 'mcmi_teacher_file'  # in the message hub, hence in the checkpoints


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

    Args:
        options: see :class:`mcmi_plugin.teacher.options.TeacherOptions`.

    Raises:
        UserError: an option out of its range, or no way to a teacher.
    """

    # Before every other hook sees the model, after it was resumed.
    priority = 'VERY_HIGH'

    def __init__(self, **options) -> None:
        self.options = TeacherOptions(**options)
        self.provenance: dict | None = None
        self.control: dict | None = None

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, 'teacher'):
            print_log(
                f'{type(model).__name__} has no teacher, so mcmi has nothing to do',
                logger='current',
                level=30,
            )
            return
        if not runner.cfg:
            raise UserError(
                'MCMITeacherHook: the Runner has no config to make a teacher by; build '
                'it by Runner.from_cfg(cfg), or give it cfg=cfg'
            )
        if model.teacher_trainable:
            raise UserError(
                'model.teacher_trainable=True would train the MCMI teacher away; set '
                'it to False'
            )
        path = self._teacher_file(runner, model.teacher)
        self.provenance = load_teacher(model.teacher, path)['mcmi']
        runner.message_hub.update_info(RECORD, path)
        # What a distiller has derived from the first teacher's weights.
        if hasattr(model.distiller, 'init_ofd_connectors'):
            model.distiller.init_ofd_connectors(model.teacher)
        barrier()
        print_log(f'the teacher of this distillation is {path}', logger='current')

    def _teacher_file(self, runner: Runner, teacher: nn.Module) -> str:
        known = runner.message_hub.runtime_info.get(RECORD)
        if known is not None and osp.isfile(known):
            return known  # a resumed student goes on with the teacher it had
        dataset = runner.train_dataloader.dataset
        # Weights that the config itself has put in, through init_cfg.
        initialised = None
        if names_pretrained(runner.cfg.model.teacher):
            initialised = dict(teacher.state_dict())
        resume = runner._resume

        def provide(options: TeacherOptions) -> str:
            return provide_teacher(runner.cfg, options, dataset, resume, initialised)

        path = provide(self.options)
        if self.options.control and self.options.form != 'none':
            control = provide(self.options.of_control())
            self.control = read_weights(control)[1]['mcmi']
        return path

    def after_run(self, runner: Runner) -> None:
        if self.provenance is not None and is_main_process():
            write_summary(
                runner, self.provenance, self.control, osp.join(runner.work_dir, 'mcmi')
            )
