"""Hooks of mmengine's Runner."""

from .centroid_hook import CentroidHook
from .cmi_monitor_hook import CMIMonitorHook
from .crd_bank_hook import CRDBankHook
from .finite_loss_hook import FiniteLossHook
from .fresh_start_hook import FreshStartHook
from .given_weights_hook import GivenWeightsHook
from .loss_warmup_hook import LossWarmupHook
from .lower_bound_hook import LowerBoundHook
from .mcmi_teacher_hook import MCMITeacherHook
from .progress_bar_hook import ProgressBarHook
from .pseudo_label_hook import PseudoLabelHook
from .random_state_hook import RandomStateHook
from .resume_optimizer_hook import ResumeOptimizerHook
from .resume_validation_hook import ResumeValidationHook
from .same_norms_hook import SameNormsHook

__all__ = [
    'CMIMonitorHook',
    'CRDBankHook',
    'CentroidHook',
    'FiniteLossHook',
    'FreshStartHook',
    'GivenWeightsHook',
    'LossWarmupHook',
    'LowerBoundHook',
    'MCMITeacherHook',
    'ProgressBarHook',
    'PseudoLabelHook',
    'RandomStateHook',
    'ResumeOptimizerHook',
    'ResumeValidationHook',
    'SameNormsHook',
]
