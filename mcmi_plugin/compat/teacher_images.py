"""A distiller's teacher sees images that its own data_preprocessor has normalised.

MMRazor 1.0.0 prepares every batch by one ``data_preprocessor``, the distiller's (or
the student's), and its validation loop gives that one to the teacher as well. A
teacher that was trained with another mean, std or order of channels predicts
nonsense then, without a word.
"""

import functools
import inspect
from typing import Any

from torch import nn

from mcmi_plugin.log import log_line


def mend_teacher_images() -> None:
    """Let ``SingleTeacherDistill`` convert what its teacher is given.

    The conversion stands at the teacher's door (a hook before its ``forward``), so
    that steps, validation, recorders and whoever else calls the teacher with the
    distiller's images find it done; ``teacher.data_preprocessor`` is the distiller's
    from the start, as upstream's validation loop makes it. Where both normalise
    alike nothing is done.

    Falls away when upstream's class looks at the teacher's ``data_preprocessor``.
    """
    from mmrazor.models.algorithms import FpnTeacherDistill, SingleTeacherDistill

    original: Any = SingleTeacherDistill.__init__
    if 'data_preprocessor' in inspect.getsource(original):
        return

    @functools.wraps(original)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        given = inspect.signature(original).bind(self, *args, **kwargs)
        teacher = given.arguments['teacher']
        # A network that was handed over ready has said it on purpose, too.
        inline = not isinstance(teacher, dict) or 'cfg_path' not in teacher
        if not isinstance(self, FpnTeacherDistill):  # calls parts of a detector
            see_own_images(self.teacher, self.data_preprocessor, inline)

    SingleTeacherDistill.__init__ = __init__


def see_own_images(teacher: Any, common: nn.Module, inline: bool) -> None:
    """Let ``teacher`` take images of ``common``, where its own are others."""
    from mcmi_plugin.normalisation import (
        Renormalise,
        normalisation,
        own_normalisation,
    )

    own: Any = getattr(teacher, 'data_preprocessor', None)
    wanted = own_normalisation(own, common, inline, tell=True)
    if wanted is None:
        return
    given = normalisation(common)
    assert given is not None
    teacher.data_preprocessor = common
    teacher.own_images = Renormalise(given, wanted)
    teacher.register_forward_pre_hook(_converted, with_kwargs=True)
    log_line(
        "the teacher sees the images by its own data_preprocessor, not by the student's"
    )


# Looked up in the module, so that a copy of the teacher uses what is its own.
def _converted(teacher: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    if args:
        return (teacher.own_images(args[0]), *args[1:]), kwargs
    return args, {**kwargs, 'inputs': teacher.own_images(kwargs['inputs'])}
