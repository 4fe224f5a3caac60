# The student of synthetic_kd.py on the labels themselves, from the same start.
_base_ = 'synthetic_kd.py'

model = dict(_base_.model.architecture, _delete_=True)
mcmi = None
