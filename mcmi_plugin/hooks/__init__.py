"""Hooks of mmengine's Runner."""

from .centroid_hook import CentroidHook
from .cmi_monitor_hook import CMIMonitorHook
from .mcmi_teacher_hook import MCMITeacherHook

__all__ = ['CMIMonitorHook', 'CentroidHook', 'MCMITeacherHook']
