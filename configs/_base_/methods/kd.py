# KD (Hinton et al., 2015) with alpha = 0.9, T = 4 (A.8.2 of the paper). The other
# 0.1 is the student's cross-entropy: outside of compose, which does it, give its
# head loss_weight=0.1.
distiller = dict(
    type='ConfigurableDistiller',
    student_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
    teacher_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
    distill_losses=dict(
        loss_kd=dict(
            type='KLDivergence',
            tau=4,
            # T^2 times the divergence per image; 'mean' would divide by the classes.
            reduction='batchmean',
            loss_weight=0.9)),
    loss_forward_mappings=dict(
        loss_kd=dict(
            preds_S=dict(from_student=True, recorder='fc'),
            preds_T=dict(from_student=False, recorder='fc'))))

# compose looks up where a network has its logits.
method = dict(
    name='KD',
    ce_weight=0.1,
    distiller=dict(
        distiller,
        student_recorders=dict(fc='logits'),
        teacher_recorders=dict(fc='logits')))
