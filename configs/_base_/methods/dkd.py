# DKD, decoupled knowledge distillation (Zhao et al., 2022): alpha = 1, T = 4, a
# warm-up of 20 epochs. A.8.2 calls beta gamma and draws it from {0.2, 1, 2, 4, 8}
# "consistent with the official implementation"; that, mdistiller, has 2, 6 and 8.
# The pairs follow mdistiller, so some have 6.
method = dict(
    name='DKD',
    losses=dict(
        loss_dkd=dict(
            type='DKDLoss',
            tau=4,
            alpha=1.0,
            beta='pair.dkd_beta',
            reduction='batchmean')),  # MMRazor's 'mean' acts as 'sum'
    inputs=dict(
        loss_dkd=dict(
            preds_S='student.logits',
            preds_T='teacher.logits',
            gt_labels='student.labels')))

custom_hooks = [dict(type='LossWarmupHook', losses=['loss_dkd'], epochs=20)]
