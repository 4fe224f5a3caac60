"""Every method in MMRazor's distiller, by config alone, on stages of unequal size."""

import pytest
import torch
from mmpretrain.structures import DataSample
from mmrazor.registry import MODELS

import mcmi_plugin  # noqa: F401  (registers losses and networks)
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss
from mcmi_plugin.models.taps import TAPS

STUDENT, TEACHER = TAPS['resnet8'], TAPS['ShuffleV1']
BATCH, CLASSES = 4, 10


def outputs(source: str) -> dict:
    return {'type': 'ModuleOutputs', 'source': source}


def inputs(source: str) -> dict:
    return {'type': 'ModuleInputs', 'source': source}


def recorders(taps: dict) -> dict:
    return {
        'logits': outputs('head.fc'),
        'pooled': inputs('head.fc'),
        'batch': inputs(''),
        'labels': inputs('head.loss_module'),
        **{f'stage_{i}': outputs(tap) for i, tap in enumerate(taps['stages'])},
        **{f'preact_{i}': outputs(tap) for i, tap in enumerate(taps['preact'])},
    }


def record(recorder: str, from_student: bool, **extra) -> dict:
    if recorder == 'pooled':
        extra['data_idx'] = 0
    elif recorder in ('labels', 'batch'):
        extra['data_idx'] = 1
    return {'recorder': recorder, 'from_student': from_student, **extra}


def pair(recorder: str, names: str = 's_feature t_feature') -> dict:
    student, teacher = names.split()
    return {student: record(recorder, True), teacher: record(recorder, False)}


def embedded() -> dict:
    return {
        's_feature': record('pooled', True, connector='embed_s'),
        't_feature': record('pooled', False, connector='embed_t'),
    }


def linear(taps: dict) -> dict:
    layer = {'in_features': taps['pooled_channels'], 'out_features': 128}
    return {'type': 'TorchNNConnector', 'module_name': 'Linear', 'module_args': layer}


def crd_embed(taps: dict) -> dict:
    return {'type': 'CRDConnector', 'dim_in': taps['pooled_channels'], 'dim_out': 128}


def channels(taps: dict) -> list[int]:
    return [*taps['channels'], taps['pooled_channels']]


LOGITS = pair('logits', 'preds_S preds_T')
RKD = {'with_l2_norm': False}
PREDS = pair('pooled', 'preds_S preds_T')

# Per method: losses, what they read, connectors.
METHODS: dict[str, tuple[dict, dict, dict]] = {
    'kd': (
        {'loss_kd': {'type': 'KLDivergence', 'tau': 4, 'loss_weight': 0.9}},
        {'loss_kd': LOGITS},
        {},
    ),
    'at': (
        {
            f'loss_at_{i}': {'type': 'PooledATLoss', 'loss_weight': 1000.0}
            for i in range(3)
        },
        {f'loss_at_{i}': pair(f'stage_{i}') for i in range(3)},
        {},
    ),
    'pkt': (
        {'loss_pkt': {'type': 'PKTLoss', 'loss_weight': 30000.0}},
        {'loss_pkt': pair('pooled')},
        {},
    ),
    'sp': (
        {'loss_sp': {'type': 'SPLoss', 'loss_weight': 3000.0}},
        {'loss_sp': pair('stage_2')},
        {},
    ),
    'cc': (
        {'loss_cc': {'type': 'CCLoss', 'loss_weight': 0.02}},
        {'loss_cc': embedded()},
        {'embed_s': linear(STUDENT), 'embed_t': linear(TEACHER)},
    ),
    'rkd': (
        {
            'loss_rkd_d': {'type': 'DistanceWiseRKD', 'loss_weight': 25.0, **RKD},
            'loss_rkd_a': {'type': 'AngleWiseRKD', 'loss_weight': 50.0, **RKD},
        },
        {'loss_rkd_d': PREDS, 'loss_rkd_a': PREDS},
        {},
    ),
    'vid': (
        {
            f'loss_vid_{i}': {
                'type': 'VIDLoss',
                'student_channels': STUDENT['channels'][i],
                'teacher_channels': TEACHER['channels'][i],
            }
            for i in range(3)
        },
        {f'loss_vid_{i}': pair(f'stage_{i}') for i in range(3)},
        {},
    ),
    'crd': (
        {
            'loss_crd': {
                'type': 'CRDContrastLoss',
                'num_negatives': 16,
                'loss_weight': 0.8,
            }
        },
        {'loss_crd': {**embedded(), 'data_samples': record('batch', True)}},
        {'embed_s': crd_embed(STUDENT), 'embed_t': crd_embed(TEACHER)},
    ),
    'dkd': (
        {
            'loss_dkd': {
                'type': 'DKDLoss',
                'tau': 4,
                'beta': 8.0,
                'reduction': 'batchmean',
            }
        },
        {'loss_dkd': {**LOGITS, 'gt_labels': record('labels', True)}},
        {},
    ),
    'reviewkd': (
        {
            'loss_reviewkd': {
                'type': 'ReviewKDLoss',
                'in_channels': channels(STUDENT),
                'out_channels': channels(TEACHER),
                'loss_weight': 5.0,
            }
        },
        {
            'loss_reviewkd': {
                **{f's_feature_{i}': record(f'stage_{i}', True) for i in range(3)},
                **{f't_feature_{i}': record(f'preact_{i}', False) for i in range(3)},
                's_feature_3': record('pooled', True),
                't_feature_3': record('pooled', False),
            }
        },
        {},
    ),
    'hsakd': (
        {'loss_hsakd': {'type': 'HSAKDLoss', 'tau': 3}},
        {'loss_hsakd': {**LOGITS, **pair('auxiliary', 'aux_S aux_T')}},
        {},
    ),
}


def classifier(backbone: dict, taps: dict, auxiliary: bool) -> dict:
    return {
        '_scope_': 'mmpretrain',
        'type': 'AuxiliaryImageClassifier' if auxiliary else 'ImageClassifier',
        'backbone': backbone,
        'neck': {'type': 'GlobalAveragePooling'},
        'head': {
            'type': 'LinearClsHead',
            'num_classes': CLASSES,
            'in_channels': taps['pooled_channels'],
        },
    }


def build(method: str) -> torch.nn.Module:
    losses, mappings, connectors = METHODS[method]
    auxiliary = method == 'hsakd'
    extra = {'auxiliary': outputs('auxiliary')} if auxiliary else {}
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'SingleTeacherDistill',
            'architecture': classifier(
                {'type': 'CIFARResNet', 'depth': 8}, STUDENT, auxiliary
            ),
            'teacher': classifier({'type': 'CIFARShuffleNetV1'}, TEACHER, auxiliary),
            'distiller': {
                'type': 'ConfigurableDistiller',
                'student_recorders': recorders(STUDENT) | extra,
                'teacher_recorders': recorders(TEACHER) | extra,
                'distill_losses': losses,
                'loss_forward_mappings': mappings,
                'connectors': connectors,
            },
        }
    )
    model.train()  # MMRazor's returns nothing
    return model


@pytest.mark.parametrize('method', METHODS)
def test_one_step(method: str) -> None:
    model = build(method)
    for module in model.modules():
        if isinstance(module, CRDContrastLoss):
            module.prepare(torch.arange(20) % CLASSES)
    samples = [
        DataSample(metainfo={'sample_idx': 3 * i}).set_gt_label(i) for i in range(BATCH)
    ]
    images = torch.randn(BATCH, 3, 32, 32)
    losses = model(images, samples, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()

    distilled = [value for name, value in losses.items() if 'distill' in name]
    assert len(distilled) == len(METHODS[method][0])
    assert all(value.isfinite() and value > 0 for value in distilled)
    # What the distiller brings along is trained, and leaves the student alone.
    assert all(p.grad is not None for p in model.distiller.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())
    assert all(p.grad is not None for p in model.architecture.parameters())

    # The distillation term on its own reaches the student.
    model.zero_grad()
    losses = model(images, samples, mode='loss')
    sum(value for name, value in losses.items() if 'distill' in name).backward()
    reached = [p.grad is not None for p in model.architecture.backbone.parameters()]
    assert all(reached)
