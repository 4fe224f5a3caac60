# The same from the MLL teacher, the baseline of Table 1.
_base_ = 'r56_r20_kd.py'

mcmi = None
