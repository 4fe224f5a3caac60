"""``fast = True``: the same student sooner, by parts that do what the stock ones do.

:mod:`.parts` puts them into a config. Each can be chosen by itself, and each does the
ordinary thing, and says so, where it cannot do the same.
"""

from .batch_accuracy import BatchAccuracy
from .batch_val_loop import BatchValLoop
from .cached_teacher_loop import CachedTeacherValLoop
from .lean import LeanDistill
from .lean_epoch_loop import LeanEpochLoop
from .optimizer import TrainableOptimWrapperConstructor
from .resident import ResidentLoader
from .resident_runner import ResidentRunner

__all__ = [
    'BatchAccuracy',
    'BatchValLoop',
    'CachedTeacherValLoop',
    'LeanDistill',
    'LeanEpochLoop',
    'ResidentLoader',
    'ResidentRunner',
    'TrainableOptimWrapperConstructor',
]
