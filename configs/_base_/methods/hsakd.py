# HSAKD (Yang et al., 2021): gamma = 1, T = 3. Images enter in all four rotations;
# each stage of both networks carries an auxiliary classifier, the student's
# trained along with it. Two commands, the first one makes the teacher's:
#
#   python tools/train.py configs/distill/hsakd_teacher_resnet56.py
#   python tools/train.py configs/distill/r56_r20_hsakd.py
#
# From an MCMI teacher: fine-tune the plain network first (any other method's run
# does and keeps it), then train its auxiliary classifiers, then the student. So
# the config of the student says no mcmi; it is refused.
#
#   python tools/train.py configs/distill/hsakd_teacher_resnet56.py \
#       --work-dir work_dirs/hsakd_mcmi_teacher_resnet56 --cfg-options \
#       model.pretrained=work_dirs/mcmi_teachers/cifarresnet56-mcmi-.../teacher.pth
#   python tools/train.py configs/distill/r56_r20_hsakd.py --cfg-options \
#       model.teacher_ckpt=work_dirs/hsakd_mcmi_teacher_resnet56/epoch_100.pth
#
# Where HSAKD's code is silent or differs: it has no ResNet-110, ResNet-32 and
# VGG-8, whose auxiliary classifiers are built like those of ResNet-56, ResNet-20
# and VGG-13; and its MobileNetV2 has a stem of stride 1. Here it keeps stride 2,
# so that a pair's student is one network under all methods.
method = dict(
    name='HSAKD',
    classifier='AuxiliaryImageClassifier',
    teacher_ckpt='work_dirs/hsakd_teacher_{teacher}/epoch_100.pth',
    losses=dict(loss_hsakd=dict(type='HSAKDLoss', tau=3, loss_weight=1.0)),
    inputs=dict(
        loss_hsakd=dict(
            preds_S='student.logits',
            preds_T='teacher.logits',
            aux_S='student.auxiliary',
            aux_T='teacher.auxiliary')))
