"""From a pair of networks and a method to the model of a distillation."""

from .compose import compose

__all__ = ['compose']
