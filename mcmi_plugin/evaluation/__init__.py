"""Metrics of a classifier beyond its accuracy."""

from .cmi_metric import CMIMetric

__all__ = ['CMIMetric']
