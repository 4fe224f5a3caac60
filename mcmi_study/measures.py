"""What is measured of a finished cell: name -> ``fn(runner, cfg, **arguments)``.

``runner`` is what :func:`mcmi_plugin.commands.train` returned, with the trained
model in it, and ``cfg`` its config. The answer goes into the cell's result as it
is, so it is plain: a number, a list or a dict; None where a cell has no such thing,
for example no teacher. Accuracies are in per cent and on the test set; what is said
of a teacher's LL, CMI and entropy is in nats and on its training set, unaugmented,
as in the paper.
"""

from collections.abc import Callable
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.hooks.cmi_monitor_hook import ACCURACY_FALL
from mcmi_plugin.hooks.mcmi_teacher_hook import MCMITeacherHook
from mcmi_study.measures_by_class import (
    accuracy_per_class,
    confusion,
    dropped_accuracy,
    preserved_accuracy,
)
from mcmi_study.measures_people import PEOPLE
from mcmi_study.measures_pictures import (
    eigen_cam,
    output_probabilities,
    people_answers,
)
from mcmi_study.passes import loader_of, network_of, passed
from mcmi_study.pdist import pdist_of, synthetic_part


def _measure(name: str, who: Any, split: str, figure: Callable) -> Callable:
    def measured(runner: Runner, cfg: Config) -> float | None:
        found = passed(runner, cfg, who, split)
        return None if found is None else figure(found.statistics)

    measured.__name__ = name
    return measured


# Of the sums of a pass: name, whose, over which split, figure.
PLAIN = [
    _measure(*words)
    for words in (
        ('student_accuracy', 'student', 'test', ClassStatistics.accuracy),
        ('student_ll', 'student', 'test', ClassStatistics.log_likelihood),
        # To choose lambda by.
        ('held_out_accuracy', 'student', 'val', ClassStatistics.accuracy),
        ('teacher_accuracy', 'teacher', 'test', ClassStatistics.accuracy),
        ('teacher_ll', 'teacher', 'train', ClassStatistics.log_likelihood),
        ('teacher_cmi', 'teacher', 'train', ClassStatistics.cmi),
        ('teacher_entropy', 'teacher', 'train', ClassStatistics.entropy),
    )
]


def teacher_cmi_at_tau(runner: Runner, cfg: Config) -> float | None:
    """CMI of the teacher's predictions at the temperature that it is heard at.

    The distillation loss divides the logits by its ``tau``; that is the teacher
    whose CMI Fig. 1 shows.

    Raises:
        UserError: no distillation loss has a temperature.
    """
    found = passed(runner, cfg, 'teacher', 'train')
    if found is None:
        return None
    losses = cfg.model.distiller.distill_losses.values()
    taus = [loss.tau for loss in losses if 'tau' in loss]
    if not taus:
        raise UserError(
            'teacher_cmi_at_tau: no loss in model.distiller.distill_losses has tau; '
            'take a method with a temperature, such as KD'
        )
    statistics = ClassStatistics(found.logits.shape[1])
    statistics.update(found.logits / taus[0], found.labels)
    return statistics.cmi()


def teacher_cmi_per_class(runner: Runner, cfg: Config) -> dict[str, float] | None:
    """CMI of the teacher class by class (eq. 9, Table 8)."""
    found = passed(runner, cfg, 'teacher', 'train')
    if found is None:
        return None
    per_class = found.statistics.cmi_per_class().tolist()
    return dict(zip(found.classes, per_class, strict=True))


def teacher_pdist(runner: Runner, cfg: Config) -> float | None:
    """Mean L2 distance to the true BCPD on the training set, x 100 (Table 5).

    None for data whose BCPD is not known.
    """
    teacher, loader = network_of(runner, 'teacher'), loader_of(runner, cfg, 'train')
    if teacher is None or synthetic_part(loader.dataset) is None:
        return None
    return pdist_of(teacher.network, loader, teacher.preprocessor)


def agreement(runner: Runner, cfg: Config) -> float | None:
    """Share of test samples, in per cent, that student and teacher class alike."""
    teacher = passed(runner, cfg, 'teacher', 'test')
    if teacher is None:
        return None
    student = passed(runner, cfg, 'student', 'test')
    same = student.logits.argmax(1) == teacher.logits.argmax(1)
    return 100 * same.double().mean().item()


def collapsed(runner: Runner, cfg: Config) -> bool:
    """Whether the fine-tune fell off the cliff.

    That is: the teacher's accuracy on the held-out data, ``val_dataloader``, is more
    than 5 points below what it was before. On the training set it may fall without
    harm, where the teacher had learnt that by heart.
    """
    made = _provenance(runner)
    before, after = (
        (made.get(when) or {}).get('val') or (made.get(when) or {}).get('train')
        for when in ('before', 'after')
    )
    if not before or not after:  # a teacher without a fine-tune cannot collapse
        return False
    return after['accuracy'] < before['accuracy'] - ACCURACY_FALL


def mll_history(runner: Runner, cfg: Config) -> dict[str, list] | None:
    """CMI and LL of the teacher over the epochs of its first training (Fig. 2).

    They are those of the predictions that the training steps made: ``epoch``,
    ``cmi`` and ``ll``, [E] each.

    Raises:
        UserError: the teacher was not trained here.
    """
    made = _provenance(runner)
    # A teacher that was handed over as it is has only its base's.
    history = (made.get('base') or {}).get('history') or made.get('history')
    if not history:
        raise UserError(
            'mll_history: the teacher came from a checkpoint without a history; let '
            'the study train it: mcmi.mll_epochs=N model.teacher_ckpt=None'
        )
    return {key: [one[key] for one in history] for key in ('epoch', 'cmi', 'll')}


def _provenance(runner: Runner) -> dict:
    hooks = [hook for hook in runner.hooks if isinstance(hook, MCMITeacherHook)]
    return (hooks and hooks[0].provenance) or {}


MEASURES: dict[str, Callable] = {
    function.__name__: function
    for function in (
        *PLAIN,
        teacher_cmi_at_tau,
        teacher_cmi_per_class,
        teacher_pdist,
        accuracy_per_class,
        confusion,
        dropped_accuracy,
        preserved_accuracy,
        agreement,
        collapsed,
        mll_history,
        eigen_cam,
        output_probabilities,
        people_answers,
    )
}
MEASURES.update(PEOPLE)
