# ReviewKD as mdistiller has it on ImageNet: the student's stages before the
# activation too, and a warm-up of one epoch counted from 1, which is none.
_base_ = './reviewkd.py'

method = dict(
    inputs=dict(
        loss_reviewkd={'s_feature_{level}': 'student.preact_levels.{level}'}))
custom_hooks = []
