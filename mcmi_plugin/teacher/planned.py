"""Which stages a job with an MCMI teacher has, and what they are called."""

from mcmi_plugin.job import JobPlan
from mcmi_plugin.teacher.in_words import REWARD_NAMES
from mcmi_plugin.teacher.options import TeacherOptions


def plan_of(options: TeacherOptions, has_teacher: bool, iterations: int) -> JobPlan:
    """The stages of a job, as its config has them; one may be found ready."""
    epochs = {}
    if not has_teacher and options.mll_epochs is not None:
        epochs['mll'] = options.mll_epochs
    if options.form != 'none':
        epochs['mcmi'] = options.epochs
        if options.control and not is_control(options):
            epochs['control'] = options.epochs
    return JobPlan(epochs, iterations)


def is_control(options: TeacherOptions) -> bool:
    """Whether the fine-tune is by maximum log-likelihood alone."""
    return options == options.of_control()


def title_of(options: TeacherOptions, stage: str) -> str:
    """What a stage makes, in the log's words.

    Args:
        stage: ``'mll'`` or ``'mcmi'``.
    """
    if stage == 'mll':
        return 'MLL teacher'
    if is_control(options):
        return 'lambda = 0 control'
    if options.reward != 'cmi':
        return f'{REWARD_NAMES[options.reward]} control'
    return 'MCMI teacher'


def in_brief(plan: JobPlan, options: TeacherOptions, last: str) -> str:
    """``4 stages: MLL teacher, 15 epochs; ...``: all that a job will do."""
    stages = dict(mll=(options, 'mll'), mcmi=(options, 'mcmi'))
    stages['control'] = (options.of_control(), 'mcmi')
    words = [
        f'{title_of(*stages[name])}, {epochs_in_words(epochs)}'
        for name, epochs in plan.epochs.items()
    ]
    return f'{len(words) + 1} stages: {"; ".join([*words, last])}'


def epochs_in_words(number: int) -> str:
    return f'{number} epoch' + 's' * (number > 1)
