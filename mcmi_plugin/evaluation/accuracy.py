"""The student's top-1 accuracy, whichever way a validation calls it."""

from mmengine.runner import Runner

from mcmi_plugin.errors import UserError

# In per cent, by the names that validation loops give it.
ACCURACY = ('student.accuracy/top1', 'accuracy/top1')


def student_accuracy(runner: Runner) -> float | None:
    """Top-1 accuracy of the last validation, in per cent, if there was one."""
    scalars = runner.message_hub.log_scalars
    found = [scalars[f'val/{name}'] for name in ACCURACY if f'val/{name}' in scalars]
    return float(found[0].current()) if found else None


def accuracy_in(metrics: dict) -> float:
    """The student's top-1 accuracy among the metrics of a validation, in per cent.

    Raises:
        UserError: it is not among them.
    """
    for name in ACCURACY:
        if name in metrics:
            return float(metrics[name])
    raise UserError(
        f'val_evaluator: gives {", ".join(sorted(metrics))} and no top-1 accuracy, by '
        "which students are compared; add dict(type='Accuracy')"
    )
