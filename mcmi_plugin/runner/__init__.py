"""A Runner whose loops waste nothing on data or hooks."""

from .batch_val_loop import BatchValLoop
from .job_log import JobLogProcessor
from .lean_epoch_loop import LeanEpochLoop
from .resident_runner import ResidentRunner

__all__ = ['BatchValLoop', 'JobLogProcessor', 'LeanEpochLoop', 'ResidentRunner']
