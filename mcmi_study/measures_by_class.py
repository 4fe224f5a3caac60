"""Measures of the student class by class; some classes may have been dropped."""

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_study.passes import passed


def accuracy_per_class(runner: Runner, cfg: Config) -> dict[str, float]:
    """Accuracy of the student class by class; classes without a sample left out."""
    found = passed(runner, cfg, 'student', 'test')
    correct, counts = found.statistics.correct, found.statistics.counts
    return {
        name: 100 * right / number
        for name, right, number in zip(
            found.classes, correct.tolist(), counts.tolist(), strict=True
        )
        if number
    }


def confusion(runner: Runner, cfg: Config) -> dict:
    """Confusion matrix of the student (Figs. 4, 14-19).

    ``matrix`` [C, C]: samples by true (row) and predicted class; ``classes``:
    names; ``dropped``: ids of classes that the student has no training sample of.
    """
    found = passed(runner, cfg, 'student', 'test')
    return dict(
        matrix=found.confusion().tolist(),
        classes=found.classes,
        dropped=_dropped(runner, len(found.classes)),
    )


def dropped_accuracy(runner: Runner, cfg: Config) -> float | None:
    """Accuracy of the student on the classes it never saw (Table 9)."""
    return _accuracy_on(runner, cfg, seen=False)


def preserved_accuracy(runner: Runner, cfg: Config) -> float | None:
    """Accuracy of the student on the classes that it was trained on (Table 9)."""
    return _accuracy_on(runner, cfg, seen=True)


def _accuracy_on(runner: Runner, cfg: Config, seen: bool) -> float | None:
    statistics = passed(runner, cfg, 'student', 'test').statistics
    dropped = _dropped(runner, statistics.num_classes)
    ids = [c for c in range(statistics.num_classes) if (c not in dropped) == seen]
    number = int(statistics.counts[ids].sum())
    return 100 * int(statistics.correct[ids].sum()) / number if number else None


def _dropped(runner: Runner, num_classes: int) -> list[int]:
    """Classes without a training sample."""
    labels = runner.train_dataloader.dataset.get_gt_labels()
    return np.setdiff1d(np.arange(num_classes), labels).tolist()
