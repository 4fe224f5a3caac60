"""LeanDistill against MMRazor's SingleTeacherDistill."""

import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.models import ImageClassifier
from pairs import BATCH, batch, build, config, network, records, settle, steps
from torch import nn

from mcmi_plugin.fast.records import tensors_in

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
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


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
        assert_close(value, expected[name])
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


def test_a_teacher_with_dropout_draws_what_it_draws_upstream():
    head = dict(
        type='StackedLinearClsHead',
        num_classes=5,
        in_channels=64,
        mid_channels=[32],
        dropout_rate=0.5,
    )
    cfg = config(teacher=network(14, head=head), architecture=network(8, head=head))
    fc = dict(fc=dict(type='ModuleOutputs', source='head.layers.1.fc'))
    cfg['distiller'].update(teacher_recorders=fc, student_recorders=fc)
    ours, theirs = build(cfg), build(cfg, lean=False)
    found = []
    for model in (ours, theirs):
        torch.manual_seed(5)
        logits = []
        for _ in range(2):
            model.loss(*batch())
            logits += records(model)['fc']
        assert not torch.equal(*logits)  # it does draw
        found.append([*logits, torch.rand(1)])  # and leaves the student as many
    assert_close(*found)
    assert ours._folding.pairs


@pytest.mark.parametrize('changes', [{}, dict(teacher_trainable=True)])
def test_no_gradients_where_the_caller_wants_none(changes):
    for lean in (True, False):
        model = build(config(**changes), lean)
        with torch.no_grad():
            losses = model.loss(*batch())
        assert not any(loss.requires_grad for loss in losses.values())
        assert all(loss.requires_grad for loss in model.loss(*batch()).values())


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


def load(teacher, weights) -> None:
    teacher.load_state_dict(weights)


def write_data(teacher, weights) -> None:
    """As EMAHook does, which no tensor's count of its changes sees."""
    for name, value in teacher.state_dict(keep_vars=True).items():
        value.data.copy_(weights[name])


def put_others(teacher, weights) -> None:
    for name, module in teacher.named_modules():
        for own, parameter in list(module.named_parameters(recurse=False)):
            value = weights[f'{name}.{own}'].clone()
            setattr(module, own, nn.Parameter(value, parameter.requires_grad))
    write_data(teacher, weights)


@pytest.mark.parametrize('change', [load, write_data, put_others])
def test_weights_and_statistics_are_followed(change):
    model, fresh = build(config()), build(config(), lean=False)
    steps(model, 1)
    settle(fresh.teacher, seed=9)
    with torch.no_grad():
        fresh.teacher.backbone.conv1.weight.mul_(2)
    change(model.teacher, fresh.teacher.state_dict())
    for each in (model, fresh):
        each.loss(*batch(5))
    assert_close(records(model)['fc'], records(fresh)['fc'])


def test_running_statistics_alone_are_followed():
    model, fresh = build(config()), build(config(), lean=False)
    steps(model, 1)
    for each in (model, fresh):
        each.teacher.backbone.norm1.running_var.data.mul_(3)
        each.loss(*batch(5))
    assert_close(records(model)['fc'], records(fresh)['fc'])


def test_the_model_is_as_before_after_every_step():
    model = build(config())
    keys, modules = list(model.state_dict()), list(model.modules())
    steps(model, 2)
    assert list(model.state_dict()) == keys
    assert list(model.modules()) == modules
    assert not any('forward' in vars(module) for module in modules)


def test_a_stopped_distillation_asks_no_teacher():
    model = build(config())
    model.loss(*batch())
    model.distillation_stopped = True
    model.loss(*batch())  # finds out that nobody can tell
    calls = []
    model.teacher.register_forward_hook(lambda *args: calls.append(args))
    assert list(model.loss(*batch())) == ['student.loss']
    assert not calls


def test_a_stopped_distillation_goes_on_with_what_the_teacher_changes():
    cfg = config(teacher_norm_eval=False)
    ours, theirs = build(cfg), build(cfg, lean=False)
    for model in (ours, theirs):
        model.distillation_stopped = True
    assert_close(steps(ours), steps(theirs))
    expected = dict(theirs.teacher.named_buffers())
    for name, buffer in ours.teacher.named_buffers():
        assert_close(buffer, expected[name])


def test_mixed_precision():
    ours, theirs = build(config()), build(config(), lean=False)
    found = []
    for model in (ours, theirs):
        images, samples = batch()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            found.append(model.float().loss(images.float(), samples))
        sum(found[-1].values()).backward()
        assert records(model)['fc'][0].dtype == torch.bfloat16
    torch.testing.assert_close(*found, rtol=0.05, atol=0.02)
    assert ours._folding.pairs


class OwnForward(ImageClassifier):
    """Does more than its ``mode='tensor'`` would."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return super().forward(
            -inputs if mode == 'loss' else inputs, data_samples, mode
        )


def test_a_teacher_with_a_forward_of_its_own_is_called_as_ever():
    MODELS.register_module(module=OwnForward, force=True)
    cfg = config(teacher=network(14, type='OwnForward'))
    assert_close(steps(build(cfg)), steps(build(cfg, lean=False)))
