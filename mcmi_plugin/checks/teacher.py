"""A distiller has a teacher that was trained."""

from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.networks import names_pretrained
from mcmi_plugin.weights.held import OF_TEACHER, tensors_of


def check_teacher(cfg: Config) -> None:
    """A distiller has a teacher that was trained.

    MMRazor itself would distil from random weights without a word. That the files do
    fill the teacher is seen when they are loaded (``GivenWeightsHook``).

    Raises:
        UserError: nothing says where the teacher's weights are, or ``load_from``
            cannot be read.
    """
    model = cfg.get('model', {})
    if 'teacher' not in model or cfg.get('mcmi'):
        return
    given = model.get('teacher_ckpt') or names_pretrained(model.get('init_cfg'))
    if not given and not (
        names_pretrained(model.teacher)
        or _needs_no_training(model.teacher)
        or _holds_teacher(cfg.get('load_from'))
    ):
        load_from = cfg.get('load_from')
        also = f' ({load_from} holds none)' * bool(load_from)
        raise UserError(
            f'model.teacher_ckpt is not set, so the teacher would be random{also}; '
            'name its checkpoint: --cfg-options model.teacher_ckpt=PATH'
        )


def _holds_teacher(load_from: str | None) -> bool:
    if load_from is None:
        return False
    checkpoint = CheckpointLoader.load_checkpoint(load_from, 'cpu')
    return any(name.startswith(OF_TEACHER) for name in tensors_of(checkpoint))


def _needs_no_training(teacher: dict) -> bool:
    # A class says so of itself: its weights are known, as GaussianPosterior's.
    return getattr(MODELS.get(teacher.get('type', '')), 'needs_no_training', False)
