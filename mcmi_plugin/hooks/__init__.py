"""Hooks of mmengine's Runner."""

from .centroid_hook import CentroidHook
from .cmi_monitor_hook import CMIMonitorHook
from .crd_bank_hook import CRDBankHook
from .loss_warmup_hook import LossWarmupHook
from .mcmi_teacher_hook import MCMITeacherHook
from .random_state_hook import RandomStateHook
from .resume_validation_hook import ResumeValidationHook

__all__ = [
    'CMIMonitorHook',
    'CRDBankHook',
    'CentroidHook',
    'LossWarmupHook',
    'MCMITeacherHook',
    'RandomStateHook',
    'ResumeValidationHook',
]
