"""A frozen teacher is asked once for every view of an image, and its answers are kept.

``teacher_store = True`` in a config. A table [image, view] of fixed-size records
(:mod:`.table`) is filled as a training goes and read by every later student of the same
teacher, data and pipeline; :mod:`.kept` finds what of a teacher can be kept.
"""

from .hook import TeacherStoreHook

__all__ = ['TeacherStoreHook']
