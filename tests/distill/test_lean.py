"""LeanDistill against MMRazor's SingleTeacherDistill."""

import pytest
import torch
from pairs import BATCH, batch, build, config, network, records, settle, steps
from torch import nn

from mcmi_plugin.distill.records import tensors_in

OFF = dict(channels_last=False, fold_batch_norm=False)
# Where recorders listen: types and sources, and what is in the record.
PLACES = {
    'input of a batch norm': dict(type='ModuleInputs', source='backbone.layer2.0.bn1'),
    'output of a batch norm': dict(
        type='ModuleOutputs', source='backbone.layer1.1.bn2'
    ),
    'output of a convolution': dict(
        type='ModuleOutputs', source='backbone.layer1.1.conv1'
    ),
    'before the ReLU': dict(type='ModuleOutputs', source='backbone.layer3.1.preact'),
    'a stage': dict(type='ModuleOutputs', source='backbone.layer2'),
    'all stages': dict(type='ModuleOutputs', source='backbone'),
    'the pooled vector': dict(type='ModuleInputs', source='head.fc'),
    'the batch': dict(type='ModuleInputs', source=''),
    'a weight': dict(type='Parameter', source='backbone.layer1.0.conv1.weight'),
    'losses': dict(type='ModuleOutputs', source='head.loss_module'),
    'a method': dict(
        type='MethodOutputs', source='mmpretrain.models.heads.LinearClsHead.pre_logits'
    ),
    'all of it': dict(type='ModuleOutputs', source=''),
}


def assert_close(ours, theirs) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_equal_to_the_bit_with_both_options_off():
    ours, theirs = build(config(), **OFF), build(config(), lean=False)
    for mine, their in zip(steps(ours), steps(theirs), strict=True):
        assert mine == their  # names and values
    expected = theirs.state_dict()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize('changes', [{}, dict(calculate_student_loss=False)])
def test_the_same_student_within_rounding(changes):
    ours, theirs = build(config(**changes)), build(config(**changes), lean=False)
    for mine, their in zip(steps(ours), steps(theirs), strict=True):
        assert list(mine) == list(their)
        assert_close(mine, their)
    expected = dict(theirs.student.named_parameters())
    for name, value in ours.student.named_parameters():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-4)
    assert ours._folding.pairs


@pytest.mark.parametrize('place', PLACES)
def test_recorders_see_what_they_always_saw(place):
    cfg = config({'it': PLACES[place]})
    ours, theirs = build(cfg), build(cfg, lean=False)
    inputs, samples = batch()
    for model in (ours, theirs):
        model.loss(inputs, samples)
    mine, their = (list(tensors_in(records(m)['it'])) for m in (ours, theirs))
    assert len(mine) == len(their) > 0
    assert_close(mine, their)
    if place == 'a weight':  # the teacher's own, in the order it is kept in
        assert mine[0] is ours.teacher.backbone.layer1[0].conv1.weight
    else:
        assert all(tensor.is_contiguous() for tensor in mine)
    norms = sum(isinstance(m, nn.BatchNorm2d) for m in ours.teacher.modules())
    left = norms - len(ours._folding.pairs)
    assert left == (place in ('input of a batch norm', 'output of a convolution'))


def test_the_teacher_has_no_loss_unless_somebody_listens():
    for place, expected in (
        ('a stage', 'tensor'),
        ('the batch', 'tensor'),
        ('a weight', 'tensor'),
        ('losses', 'loss'),
        ('a method', 'loss'),
        ('all of it', 'loss'),
    ):
        model = build(config({'it': PLACES[place]}))
        calls = []
        model.teacher.head.loss_module.register_forward_hook(
            lambda *args, calls=calls: calls.append(args)
        )
        model.loss(*batch())
        assert model.teacher_mode == expected, place
        assert bool(calls) == (expected == 'loss'), place


def test_a_network_with_a_loss_of_its_own_keeps_it():
    auxiliary = dict(type='AuxiliaryImageClassifier')
    cfg = config(teacher=network(14, **auxiliary), architecture=network(8, **auxiliary))
    model = build(cfg)
    model.loss(*batch())
    (logits,) = records(model)['fc']
    assert len(logits) == 4 * BATCH  # all rotations


def test_dropout_of_the_teacher_is_off():
    head = dict(
        type='StackedLinearClsHead',
        num_classes=5,
        in_channels=64,
        mid_channels=[32],
        dropout_rate=0.5,
    )
    source = 'head.layers.1.fc'
    cfg = config(teacher=network(14, head=head))
    cfg['distiller']['teacher_recorders'] = dict(
        fc=dict(type='ModuleOutputs', source=source)
    )
    logits = []
    model = build(cfg)
    for _ in range(2):
        model.train()
        model.loss(*batch())
        logits += records(model)['fc']
    assert model.student.training and not model.teacher.training
    assert torch.equal(*logits)
    stock = build(cfg, lean=False)
    assert any(m.training for m in stock.teacher.modules())  # why it matters


def test_a_teacher_left_in_training_mode_is_not_folded():
    cfg = config(teacher_norm_eval=False)
    ours, theirs = build(cfg, channels_last=False), build(cfg, lean=False)
    assert steps(ours) == steps(theirs)
    assert not ours._folding.pairs


def test_a_trainable_teacher_learns_as_upstream():
    cfg = config(teacher_trainable=True)
    for mine, their in zip(
        steps(build(cfg)), steps(build(cfg, lean=False)), strict=True
    ):
        assert 'teacher.loss' in mine
        assert_close(mine, their)


def test_deliveries_deliver():
    delivery = dict(
        type='MethodOutputs',
        method_path='mmpretrain.models.heads.LinearClsHead.pre_logits',
        max_keep_data=1,
    )
    cfg = config(architecture=network(8))
    cfg['distiller']['distill_deliveries'] = dict(pooled=delivery)
    ours, theirs = build(cfg, channels_last=False), build(cfg, lean=False)
    assert steps(ours) == steps(theirs)
    # Nobody knows what a delivery carries.
    assert not ours._folding.pairs and ours.teacher_mode == 'loss'


def test_weights_are_followed():
    model, fresh = build(config()), build(config())
    steps(model, 1)
    settle(fresh.teacher, seed=9)
    with torch.no_grad():
        fresh.teacher.backbone.conv1.weight.mul_(2)
    model.teacher.load_state_dict(fresh.teacher.state_dict())
    for each in (model, fresh):
        each.loss(*batch(5))
    assert torch.equal(records(model)['fc'][0], records(fresh)['fc'][0])


def test_the_copy_is_made_once_and_is_nobodys_module():
    model = build(config())
    keys = list(model.state_dict())
    steps(model, 1)
    twin = model._twin[2]
    steps(model, 2)
    assert model._twin[2] is twin
    assert list(model.state_dict()) == keys
    assert all(module is not twin for module in model.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in model.teacher.modules())
    model.double()
    assert model._twin is None


def test_a_stopped_distillation_asks_no_teacher():
    model = build(config())
    model.distillation_stopped = True
    calls = []
    model.teacher.register_forward_hook(lambda *args: calls.append(args))
    assert list(model.loss(*batch())) == ['student.loss']
    assert not calls


def test_mixed_precision():
    ours, theirs = build(config()), build(config(), lean=False)
    found = []
    for model in (ours, theirs):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            found.append(model.loss(*batch()))
        sum(found[-1].values()).backward()
        assert records(model)['fc'][0].dtype == torch.bfloat16
    torch.testing.assert_close(*found, rtol=0.05, atol=0.02)
    assert ours._folding.pairs


def test_both_networks_are_channels_last():
    model = build(config())
    model.loss(*batch())
    for net in (model.student, model._twin[2]):
        weight = net.backbone.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert not weight.is_contiguous()
