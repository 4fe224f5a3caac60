"""MCMI teachers for MMRazor's distillers.

Importing this package makes MMRazor 1.0.0 import on a current PyTorch and
registers, in mmengine's root registries:

- ``CMILoss``, ``CMIMetric``: the loss of eqs. 12-14, and CMI and LL as a metric;
- ``MCMITeacherHook``: gives a distiller its MCMI teacher;
- ``CentroidHook``, ``CMIMonitorHook``: the parts of a fine-tune, for configs of
  one's own;
- ``Digits`` and wrappers that keep, drop, merge or thin out classes;
- ``ResidentRunner``, ``ResidentLoader``, ``LeanDistill``: the same results sooner.
"""

import signal as _signal

from .locations import is_command as _is_command

if _is_command():
    # An interrupt while the imports below go on ends them silently: nothing has begun.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from .compat import apply as _apply_compat
from .compat.loading import refusals_in_one_line as _refusals_in_one_line
from .version import __version__

with _refusals_in_one_line():
    _apply_compat()  # before anything imports mmrazor or reads a config
    from . import datasets, evaluation, fast, hooks, losses, models, runner, stored

__all__ = [
    '__version__',
    'datasets',
    'evaluation',
    'fast',
    'hooks',
    'losses',
    'models',
    'runner',
    'stored',
]
