"""Data sets that mmpretrain does not have, and wrappers that any can wear."""

from .class_fraction import ClassFraction
from .class_selection import DropClasses, KeepClasses
from .digits import Digits
from .hold_out import HoldOut
from .merge_classes import MergeClasses
from .pseudo_labelled import PseudoLabelled
from .synthetic_gaussian import SyntheticGaussian

__all__ = [
    'ClassFraction',
    'Digits',
    'DropClasses',
    'HoldOut',
    'KeepClasses',
    'MergeClasses',
    'PseudoLabelled',
    'SyntheticGaussian',
]
