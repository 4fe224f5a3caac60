import pytest
import torch
from mmrazor.models import BaseAlgorithm
from mmrazor.registry import MODELS
from torch import nn

from mcmi_plugin.compat.preactivation import mend_set_module_inplace_false


def recorded_minima():
    """Smallest value recorded at a batch norm before a ReLU, student, teacher."""
    network = {
        'type': 'mmpretrain.ImageClassifier',
        '_scope_': 'mmpretrain',
        'backbone': {
            'type': 'ResNet',
            'depth': 18,
            'stem_channels': 8,
            'base_channels': 8,
        },
        'neck': {'type': 'GlobalAveragePooling'},
        'head': {'type': 'LinearClsHead', 'num_classes': 10, 'in_channels': 64},
    }
    recorders = {
        'bn': {'type': 'ModuleOutputs', 'source': 'backbone.layer2.0.bn1'},
    }
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'SingleTeacherDistill',
            '_scope_': 'mmrazor',
            'architecture': network,
            'teacher': network,
            'distiller': {
                'type': 'ConfigurableDistiller',
                'student_recorders': recorders,
                'teacher_recorders': recorders,
                'distill_losses': {'loss': {'type': 'L2Loss'}},
                'loss_forward_mappings': {
                    'loss': {
                        's_feature': {'from_student': True, 'recorder': 'bn'},
                        't_feature': {'from_student': False, 'recorder': 'bn'},
                    }
                },
            },
        }
    )
    from mmpretrain.structures import DataSample

    labels = [DataSample().set_gt_label(label) for label in (1, 2)]
    model.train()
    model.loss(torch.randn(2, 3, 32, 32), labels)
    distiller = model.distiller
    managers = (distiller.student_recorders, distiller.teacher_recorders)
    return [manager.get_recorder('bn').data_buffer[0].min() for manager in managers]


def test_recorders_see_what_comes_before_the_relu():
    assert all(minimum < -0.5 for minimum in recorded_minima())


def test_without_the_mend_they_see_what_comes_after_it(monkeypatch):
    upstream = BaseAlgorithm.set_module_inplace_false.__wrapped__
    monkeypatch.setattr(BaseAlgorithm, 'set_module_inplace_false', upstream)
    assert recorded_minima() == [0.0, 0.0]


def test_inplace_stays_where_it_is_asked_for():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True))
    mended = nn.Sequential(nn.Sequential(nn.ReLU(inplace=True)), nn.Dropout(0.1, True))
    BaseAlgorithm.set_module_inplace_false(None, mended, 'ignored')
    assert network[1].inplace
    assert not mended[0][0].inplace and not mended[1].inplace


@pytest.mark.parametrize('works', [True, False])
def test_an_upstream_that_works_is_left_alone(monkeypatch, works):
    def upstream(self, architecture, varstr):
        architecture[0].inplace = not works

    monkeypatch.setattr(BaseAlgorithm, 'set_module_inplace_false', upstream)
    mend_set_module_inplace_false()
    assert (BaseAlgorithm.set_module_inplace_false is upstream) is works
