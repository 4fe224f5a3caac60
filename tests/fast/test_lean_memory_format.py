"""In which memory format LeanDistill runs its networks, and for which it does not."""

import torch
from pairs import BATCH, VIEWS, batch, build, config, network, steps


def assert_close(ours, theirs) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_network_that_views_its_maps_keeps_its_memory_format(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mcmi_plugin.fast.lean.log_line', lambda text: lines.append(text)
    )
    for part, other in (('teacher', 'architecture'), ('architecture', 'teacher')):
        cfg = config(**{part: network(14, **VIEWS)})
        ours, theirs = build(cfg), build(cfg, lean=False)
        assert_close(steps(ours), steps(theirs))
        conv = getattr(ours, part).backbone.conv
        assert conv.weight.is_contiguous()
        expected = dict(theirs.named_buffers())
        for name, buffer in ours.named_buffers():  # the trial has left no trace
            assert_close(buffer, expected[name])
        weight = getattr(ours, other).backbone.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        (line,) = lines
        assert line.startswith('teacher' if part == 'teacher' else 'student')
        assert 'channels_last is left out' in line and 'view' in line
        lines.clear()


def test_both_networks_are_channels_last():
    model = build(config())
    model.loss(*batch())
    for net in (model.student, model.teacher):
        weight = net.backbone.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert not weight.is_contiguous()


NARROW = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    head=dict(type='LinearClsHead', num_classes=5, in_channels=32),
)


def test_a_student_that_would_break_its_memory_is_not_trained_in_channels_last():
    model = build(config(architecture=network(8, **NARROW)))
    weight = model.student.backbone.layer2[0].conv1.weight
    assert weight.is_contiguous()
    model.loss(*batch())
    weight = model.teacher.backbone.layer1[0].conv1.weight  # which learns nothing
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_a_student_that_views_its_maps_is_validated_before_the_first_step():
    model = build(config(architecture=network(8, **VIEWS)))
    model.eval()
    images, samples = batch()
    assert len(model(images, samples, mode='predict')) == BATCH
