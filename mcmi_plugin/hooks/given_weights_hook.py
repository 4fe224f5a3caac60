"""The networks of a distiller begin with the weights that the config names."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import Tensor

from mcmi_plugin.log import log_line
from mcmi_plugin.weights.filling import (
    check_init_files,
    check_teacher_filled,
    distiller_of,
    watch,
    watch_teacher,
)
from mcmi_plugin.weights.held import OF_STUDENT, OF_TEACHER, below, tensors_of
from mcmi_plugin.weights.loading import fitting


@HOOKS.register_module()
class GivenWeightsHook(Hook):
    """See to it that a distiller's weights are those that its config names.

    mmengine loads ``load_from`` and ``init_cfg`` non-strictly: a file none of whose
    names match leaves a random network, and a student's file matches nothing in a
    distiller, which calls its student ``architecture``. Here, in a model with a
    teacher,

    - ``load_from`` of a distiller fills the student strictly, and the teacher where
      the file holds one; what else the file holds (connectors, banks) is taken where
      it fits, as another method has others;
    - ``load_from`` of a student alone goes into the student, strictly;
    - an ``init_cfg`` whose file fills nothing is an error;
    - so is, before the first step, a frozen teacher any weight of which no file has
      filled. ``mcmi`` fills it before this hook looks.

    Any other model is loaded as mmengine does.

    Raises:
        UserError: one line with the key, the file and what differs.
    """

    # After MCMITeacherHook (VERY_HIGH, 10), before hooks that ask the teacher (HIGH).
    priority = 20

    def before_run(self, runner: Runner) -> None:
        model = distiller_of(runner)
        if model is not None:
            watch(model.architecture)
            watch_teacher(model, runner.cfg.get('model') or {})

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = distiller_of(runner)
        if model is None or not hasattr(model.teacher, 'filled_weights'):
            return
        check_init_files(model)  # before another file fills the same
        if not runner._resume:
            state = of_distiller(model, tensors_of(checkpoint), runner._load_from)
            checkpoint['state_dict'] = state

    def before_train(self, runner: Runner) -> None:
        model = distiller_of(runner)
        if model is not None:
            check_init_files(model)
            check_teacher_filled(model)


def of_distiller(model: Any, state: dict[str, Tensor], source: str) -> dict:
    """``load_from`` under the names of a distiller.

    Raises:
        UserError: it is of other networks.
    """
    whole = any(name.startswith((OF_STUDENT, OF_TEACHER)) for name in state)
    backbone = (
        "take the backbone alone: model.architecture.backbone.init_cfg=dict(type='Pret"
        f"rained', checkpoint='{source}', prefix='backbone.')"
    )
    student = below(OF_STUDENT, state) if whole else state
    student = fitting(model.architecture, student, source, 'load_from', backbone)
    found = {f'{OF_STUDENT}{name}': value for name, value in student.items()}
    teacher = below(OF_TEACHER, state) if whole else {}
    if teacher:
        teacher = fitting(model.teacher, teacher, source, 'load_from')
        found |= {f'{OF_TEACHER}{name}': value for name, value in teacher.items()}
    wanted = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith((OF_STUDENT, OF_TEACHER))
    }
    fresh = [
        name
        for name, value in wanted.items()
        if name not in state or state[name].shape != value.shape
    ]
    found |= {name: state[name] for name in wanted if name not in fresh}
    parts = 'student and teacher' if teacher else 'student'
    begin = f'; {len(fresh)} weights of the distiller begin anew' * bool(fresh)
    log_line(f'load_from: {source} fills the {parts}{begin}')
    return found
