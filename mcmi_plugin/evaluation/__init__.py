"""Metrics of a classifier beyond its accuracy."""

from .batch_accuracy import BatchAccuracy
from .cmi_metric import CMIMetric

__all__ = ['BatchAccuracy', 'CMIMetric']
