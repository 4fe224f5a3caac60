# MLP -> MLP on the synthetic Gaussian set, for methods beside the paper's own: here
# the student sees the labels too, as each method's file says.
_base_ = '../synthetic_kd.py'

pair = dict(
    teacher='{{ fileDirname }}/../mlp.py',
    student='{{ fileDirname }}/../mlp.py',
    teacher_ckpt=None,
    num_classes=10,
    input_shape=(30, ),
    mcmi=_base_.mcmi,
    dkd_beta=2.0)
