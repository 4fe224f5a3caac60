"""What a checkpoint holds: which networks, and how this project made them.

A distillation's checkpoint holds two networks, and ``meta`` tells of its teacher. Its
student becomes the next one's teacher (a teacher assistant, Mirzadeh et al., AAAI
2020) as ``student://FILE``.
"""

import os.path as osp
from collections.abc import Iterable

from torch import Tensor

from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.weights.wrapping import weights_in

# A distiller's checkpoint: its networks, whose teacher was made how, in which file.
OF_STUDENT, OF_TEACHER = 'architecture.', 'teacher.'
TEACHER_META, CONTROL_META = 'mcmi_teacher', 'mcmi_control'
TEACHER_FILE_KEY = 'mcmi_teacher_file'  # in the message hub, hence in the checkpoints
# Stages beside 'mll' and 'mcmi': of a fine-tune's own checkpoints, of a student.
UNFINISHED, DISTILLED = 'unfinished', 'student'
STUDENT = 'student://'  # before a file: the student in it
AUXILIARY = 'auxiliary.'  # weights of HSAKD's classifiers, beside their network's
# What a student keeps of its teacher's provenance.
_KEPT = ('stage', 'form', 'lmda', 'eps', 'reward', 'temperature', 'fingerprint')


def file_of(source: str) -> str:
    """The file that a source names, without the word for its student."""
    return source.removeprefix(STUDENT)


def read_held(source: str, file: str | None = None) -> dict:
    """The checkpoint that ``source`` names; of ``student://FILE`` the student alone.

    Raises:
        UserError: as :func:`load_checkpoint_file`.
    """
    checkpoint = load_checkpoint_file(file or file_of(source))
    return student_in(checkpoint) if source.startswith(STUDENT) else checkpoint


def student_in(checkpoint: dict) -> dict:
    """A distiller's checkpoint as one of its student, with what its teacher was."""
    made = dict(stage=DISTILLED, teacher=_in_brief(provenance_of_teacher(checkpoint)))
    return dict(
        state_dict=below(OF_STUDENT, tensors_of(checkpoint)),
        meta={**(checkpoint.get('meta') or {}), 'mcmi': made},
    )


def _in_brief(provenance: dict) -> dict:
    if not provenance:
        return {}
    base = {k: v for k, v in (provenance.get('base') or {}).items() if k != 'history'}
    return {k: provenance[k] for k in _KEPT if k in provenance} | dict(base=base)


def alone(
    state: dict[str, Tensor], wanted: Iterable[str], source: str, said: str = ''
) -> dict[str, Tensor]:
    """The weights of the one network that a model is.

    HSAKD's auxiliary classifiers stay out where the model has none: they are no part
    of the network that they stand beside.

    Raises:
        UserError: they are of a distillation, which has two networks.
    """
    begin = {f'{name.partition(".")[0]}.' for name in wanted}
    if OF_STUDENT not in begin and any(name.startswith(OF_STUDENT) for name in state):
        raise UserError(
            f'{said}is of a distillation, which has a student and a teacher; for its '
            f'student say {STUDENT}{source}'
        )
    if AUXILIARY in begin:
        return state
    return {k: v for k, v in state.items() if not k.startswith(AUXILIARY)}


def below(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The entries whose names begin with ``prefix``, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }


def tensors_of(checkpoint: dict) -> dict[str, Tensor]:
    """The weights in a checkpoint, as :func:`.wrapping.weights_in` finds them."""
    return weights_in(checkpoint).state


def made_by(checkpoint: dict) -> dict:
    """How this project made the teacher that a checkpoint holds, or ``{}``.

    That of the finished teacher, of the one inside a distiller's checkpoint, of
    :func:`student_in`, or ``dict(stage='unfinished')``: centroids are in a fine-tune's
    own checkpoints alone.
    """
    made = (checkpoint.get('meta') or {}).get('mcmi')
    state = tensors_of(checkpoint)
    if made or any(name.startswith(OF_TEACHER) for name in state):
        return made or provenance_of_teacher(checkpoint)
    unfinished = any(
        name.endswith('log_centroids') and bool(value.isfinite().all())
        for name, value in state.items()
    )
    return dict(stage=UNFINISHED) if unfinished else {}


def provenance_of_teacher(checkpoint: dict) -> dict:
    """``meta['mcmi']`` of the teacher inside a distiller's checkpoint, or ``{}``.

    Checkpoints of version 0.1.0 hold no more of it than the path of its file.
    """
    meta = checkpoint.get('meta') or {}
    if TEACHER_META in meta:
        return meta[TEACHER_META]
    hub = checkpoint.get('message_hub') or {}
    file = (hub.get('runtime_info') or {}).get(TEACHER_FILE_KEY)
    if file is None or not osp.isfile(file):
        return {}
    return (load_checkpoint_file(file).get('meta') or {}).get('mcmi') or {}
