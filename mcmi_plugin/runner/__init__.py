"""A Runner whose loops waste nothing on data or hooks."""

from .batch_val_loop import BatchValLoop
from .lean_epoch_loop import LeanEpochLoop
from .resident_runner import ResidentRunner

__all__ = ['BatchValLoop', 'LeanEpochLoop', 'ResidentRunner']
