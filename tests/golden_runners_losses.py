"""Runners of the eleven distillation methods for recorded vectors.

A runner takes the arrays of a case and its manifest entry, and returns what it
computed under the names of the recorded arrays. Every loss is built from the
registry with the arguments a config would use: MMRazor's class where it is right.
"""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from mmengine.registry import HOOKS, MODELS
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import mcmi_plugin.hooks.loss_warmup_hook  # noqa: F401  (and all of mcmi_plugin)
from mcmi_plugin.functional.hierarchical import joint_labels
from mcmi_plugin.functional.review import hierarchical_context

Arrays = dict[str, Tensor]


def build(dtype: torch.dtype = torch.float64, **config) -> nn.Module:
    return MODELS.build(config).to(dtype)


def stages(arrays: Arrays, prefix: str) -> list[Tensor]:
    """prefix0, prefix1, ... as leaves of the graph."""
    count = sum(name.startswith(prefix) for name in arrays)
    return [arrays[f'{prefix}{i}'].requires_grad_() for i in range(count)]


def gradients(loss: Tensor, **leaves: Tensor) -> Arrays:
    """By the names that the vectors give them."""
    grads = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True)
    return {f'expected_grad.{n}': g for n, g in zip(leaves, grads, strict=True)}


def run_kd(arrays: Arrays, case: dict) -> Arrays:
    student = arrays['student_logits'].requires_grad_()
    loss = build(type='mmrazor.KLDivergence', tau=case['hyperparameters']['T'])(
        student, arrays['teacher_logits']
    )
    return {'expected_loss': loss, **gradients(loss, student_logits=student)}


def run_at(arrays: Arrays, case: dict) -> Arrays:
    student, teacher = stages(arrays, 'student_feat_'), stages(arrays, 'teacher_feat_')
    losses = []
    for s, t in zip(student, teacher, strict=True):
        losses.append(build(type='PooledATLoss')(s, t))
        if s.shape[2:] == t.shape[2:]:
            upstream = build(type='mmrazor.ATLoss')(s, t)
            torch.testing.assert_close(losses[-1], upstream)
    loss = sum(losses)
    leaves = {f'student_feat_{i}': s for i, s in enumerate(student)}
    return {
        'expected_loss': loss,
        'expected_stage_losses': torch.stack(losses),
        **gradients(loss, **leaves),
    }


def feature_runner(type: str) -> Callable[[Arrays, dict], Arrays]:
    def run(arrays: Arrays, case: dict) -> Arrays:
        student = arrays['student_feat'].requires_grad_()
        loss = build(type=type)(student, arrays['teacher_feat'])
        results = {'expected_loss': loss, **gradients(loss, student_feat=student)}
        if 'expected_grad.student_feat' not in arrays:  # the reference has NaN there
            assert results.pop('expected_grad.student_feat').isfinite().all()
        return results

    return run


def run_cc(arrays: Arrays, case: dict) -> Arrays:
    results, leaves, embedded = {}, {}, {}
    for side in ('student', 'teacher'):
        feature = arrays[f'{side}_feat']
        name = f'param.embed_{side[0]}.linear'
        out_features, in_features = arrays[f'{name}.weight'].shape
        connector = build(
            feature.dtype,
            type='mmrazor.TorchNNConnector',
            module_name='Linear',
            module_args={'in_features': in_features, 'out_features': out_features},
        )
        for part, leaf in connector.func.named_parameters():
            leaf.data.copy_(arrays[f'{name}.{part}'])
            leaves[f'{name}.{part}'] = leaf
        embedded[side] = connector(feature.requires_grad_())
        results[f'expected_embed_{side}'] = embedded[side]
    leaves['student_feat'] = arrays['student_feat']
    loss = build(type='CCLoss')(embedded['student'], embedded['teacher'])
    return {'expected_loss': loss, **results, **gradients(loss, **leaves)}


def run_rkd(arrays: Arrays, case: dict) -> Arrays:
    student, teacher = arrays['student_feat'].requires_grad_(), arrays['teacher_feat']

    def term(kind: str, weight: float) -> Tensor:
        config = {'type': f'mmrazor.{kind}', 'with_l2_norm': False}
        return build(**config, loss_weight=weight)(student, teacher)

    distance, angle = term('DistanceWiseRKD', 1), term('AngleWiseRKD', 1)
    weights = case['hyperparameters']
    loss = term('DistanceWiseRKD', weights['w_d']) + term(
        'AngleWiseRKD', weights['w_a']
    )
    grad = {
        f'expected_grad_{name}.student_feat': torch.autograd.grad(part, student)[0]
        for name, part in (('distance', distance), ('angle', angle))
    }
    return {
        'expected_loss': loss,
        'expected_distance_loss': distance,
        'expected_angle_loss': angle,
        **grad,
        **gradients(loss, student_feat=student),
    }


def run_vid(arrays: Arrays, case: dict) -> Arrays:
    student, teacher = stages(arrays, 'student_feat_'), stages(arrays, 'teacher_feat_')
    losses, leaves = [], {}
    for i, (s, t) in enumerate(zip(student, teacher, strict=True)):
        module = build(
            s.dtype,
            type='VIDLoss',
            student_channels=s.shape[1],
            teacher_channels=t.shape[1],
            init_variance=case['hyperparameters']['init_pred_var'],
        )
        if i == 0:  # which holds the initial variance
            torch.testing.assert_close(
                module.log_scale.detach(), arrays['param.0.log_scale']
            )
        for name, leaf in module.named_parameters():
            leaf.data.copy_(arrays[f'param.{i}.{name}'])
            leaves[f'param.{i}.{name}'] = leaf
        leaves[f'student_feat_{i}'] = s
        losses.append(module(s, t))
    loss = sum(losses)
    return {
        'expected_loss': loss,
        'expected_stage_losses': torch.stack(losses),
        **gradients(loss, **leaves),
    }


def run_crd(arrays: Arrays, case: dict) -> Arrays:
    options, dtype = case['hyperparameters'], arrays['memory_student_before'].dtype
    module = build(
        dtype,
        type='CRDContrastLoss',
        embed_dim=options['feat_dim'],
        num_negatives=options['nce_k'],
        temperature=options['nce_t'],
        momentum=options['nce_m'],
    )
    module.prepare(torch.arange(options['n_data']) % 2)
    module.student_bank.copy_(arrays['memory_student_before'])
    module.teacher_bank.copy_(arrays['memory_teacher_before'])

    connectors = {}
    for side in ('student', 'teacher'):
        name = f'param.embed_{side[0]}.linear'
        out_features, in_features = arrays[f'{name}.weight'].shape
        connectors[side] = build(
            dtype, type='mmrazor.CRDConnector', dim_in=in_features, dim_out=out_features
        )
        for part, leaf in connectors[side].linear.named_parameters():
            leaf.data.copy_(arrays[f'{name}.{part}'])

    results = {}
    for step in ('step0', 'step1'):
        leaves = {'student_feat': arrays[f'{step}.student_feat'].requires_grad_()}
        embedded = {}
        for side, connector in connectors.items():
            embedded[side] = connector(arrays[f'{step}.{side}_feat'])
            results[f'{step}.expected_embed_{side}'] = embedded[side]
            for part, leaf in connector.linear.named_parameters():
                leaves[f'param.embed_{side[0]}.linear.{part}'] = leaf
        loss = module.contrast(
            embedded['student'],
            embedded['teacher'],
            arrays[f'{step}.index'],
            arrays[f'{step}.contrast_idx'],
        )
        results[f'{step}.expected_loss'] = loss
        for name, grad in gradients(loss, **leaves).items():
            results[f'{step}.{name}'] = grad
        for side, z in zip(('student', 'teacher'), module.normaliser, strict=True):
            results[f'{step}.expected_Z_{side}'] = z.clone()
        results[f'{step}.memory_student_after'] = module.student_bank.clone()
        results[f'{step}.memory_teacher_after'] = module.teacher_bank.clone()
    return results


def run_dkd(arrays: Arrays, case: dict) -> Arrays:
    student = arrays['student_logits'].requires_grad_()
    options = case['hyperparameters']

    def dkd(alpha: float, beta: float) -> Tensor:
        module = build(
            type='mmrazor.DKDLoss',
            tau=options['T'],
            alpha=alpha,
            beta=beta,
            reduction='batchmean',
        )
        return module(student, arrays['teacher_logits'], arrays['labels'])

    loss = dkd(options['alpha'], options['beta'])
    return {
        'expected_loss': loss,
        'expected_tckd': dkd(1, 0),
        'expected_nckd': dkd(0, 1),
        **gradients(loss, student_logits=student),
    }


def run_reviewkd(arrays: Arrays, case: dict) -> Arrays:
    student, teacher = stages(arrays, 'student_feat_'), stages(arrays, 'teacher_feat_')
    leaves = {f'student_feat_{i}': s for i, s in enumerate(student)}
    if not case['hyperparameters']:  # the hierarchical context loss alone
        pairs = zip(student, teacher, strict=True)
        loss = sum(hierarchical_context(s, t) for s, t in pairs)
        return {'expected_loss': loss, **gradients(loss, **leaves)}

    module = build(
        student[0].dtype,
        type='ReviewKDLoss',
        in_channels=case['hyperparameters']['in_channels'],
        out_channels=case['hyperparameters']['out_channels'],
    )
    outputs, parts = {}, {'reduce': 'conv1', 'expand': 'conv2', 'attention': 'att_conv'}
    for level, fusion in enumerate(module.fusions):
        depth = len(module.fusions) - 1 - level  # the vectors count from the deepest

        def record(_, inputs, output, depth=depth) -> None:
            outputs[f'expected_abf{depth}_out'] = output[0]
            outputs[f'expected_abf{depth}_residual'] = output[1]

        fusion.register_forward_hook(record)
        for name, leaf in fusion.named_parameters():
            part, _, rest = name.partition('.')
            rest = rest if part != 'attention' else f'0.{rest}'
            name = f'param.abfs.{depth}.{parts[part]}.{rest}'
            leaf.data.copy_(arrays[name])
            leaves[name] = leaf

    hook = HOOKS.build(
        {
            'type': 'LossWarmupHook',
            'losses': ['loss_reviewkd'],
            'epochs': case['hyperparameters']['warmup_epochs'],
        }
    )
    runner = SimpleNamespace(
        epoch=case['hyperparameters']['epoch'] - 1,  # of an epoch that begins
        train_loop=None,
        model=SimpleNamespace(
            distiller=SimpleNamespace(distill_losses={'loss_reviewkd': module})
        ),
    )
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    features = {f's_feature_{i}': s for i, s in enumerate(student)}
    features |= {f't_feature_{i}': t for i, t in enumerate(teacher)}
    loss = module(**features)
    return {
        'expected_loss': loss,
        'warmup_factor': torch.tensor(module.loss_weight),
        **outputs,
        **gradients(loss, **leaves),
    }


def run_hsakd(arrays: Arrays, case: dict) -> Arrays:
    student = arrays['student_logits'].requires_grad_()
    teacher = arrays['teacher_logits'].requires_grad_()
    aux_student = stages(arrays, 'student_aux_logits_')
    aux_teacher = stages(arrays, 'teacher_aux_logits_')
    rotations = case['hyperparameters']['num_rotations']
    joint = joint_labels(arrays['labels'])
    # The upright images are the student's own loss, not the distiller's.
    upright = cross_entropy(student[::rotations], arrays['labels'])
    divergence = build(type='HSAKDLoss', tau=case['hyperparameters']['T'])(
        student, teacher, aux_student, aux_teacher
    )
    loss = upright + divergence
    objective = sum(cross_entropy(aux, joint) for aux in aux_student) + upright
    leaves = {f'student_aux_logits_{i}': aux for i, aux in enumerate(aux_student)}
    leaves['student_logits'] = student
    return {
        'expected_loss': loss,
        'expected_loss_cls': upright,
        'expected_loss_div': divergence,
        'expected_teacher_objective': objective,
        'joint_labels': joint,
        **gradients(loss, **leaves),
        **{
            name.replace('expected_grad', 'expected_grad_teacher_objective'): grad
            for name, grad in gradients(objective, **leaves).items()
        },
    }


RUNNERS: dict[str, Callable[[Arrays, dict], Arrays]] = {
    'kd': run_kd,
    'at': run_at,
    'pkt': feature_runner('PKTLoss'),
    'sp': feature_runner('SPLoss'),
    'cc': run_cc,
    'rkd': run_rkd,
    'vid': run_vid,
    'crd': run_crd,
    'dkd': run_dkd,
    'reviewkd': run_reviewkd,
    'hsakd': run_hsakd,
}
