# DIST (Huang et al., NeurIPS 2022), MMRazor's loss: correlation over the classes and
# over the batch. Weights 2 and 2 and tau = 4 on CIFAR; on ImageNet tau is 1.
method = dict(
    name='DIST',
    losses=dict(
        loss_dist=dict(
            type='DISTLoss',
            inter_loss_weight=2.0,
            intra_loss_weight=2.0,
            tau=4.0)),
    inputs=dict(
        loss_dist=dict(logits_S='student.logits', logits_T='teacher.logits')))
