"""A distiller's ``teacher_ckpt`` is loaded strictly, or not at all.

MMRazor 1.0.0 calls mmengine's ``load_checkpoint`` without ``strict=True``: a file
none of whose keys match leaves a random teacher and a warning among many others.
"""

import inspect


def mend_teacher_ckpt() -> None:
    """Replace the loader that ``SingleTeacherDistill`` calls.

    Falls away when upstream's class passes ``strict`` itself.
    """
    from mmrazor.models.algorithms.distill.configurable import single_teacher_distill

    source = inspect.getsource(single_teacher_distill.SingleTeacherDistill.__init__)
    if 'strict=' in source:
        return
    from mcmi_plugin.weights.loading import load_teacher

    single_teacher_distill.load_checkpoint = load_teacher
