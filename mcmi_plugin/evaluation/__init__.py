"""Metrics of a classifier beyond its accuracy."""

from .batch_accuracy import BatchAccuracy
from .cached_teacher_loop import CachedTeacherValLoop
from .cmi_metric import CMIMetric

__all__ = ['BatchAccuracy', 'CMIMetric', 'CachedTeacherValLoop']
