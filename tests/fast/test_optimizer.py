"""The frozen teacher stays out of the optimizer."""

import torch
from mmengine.optim import build_optim_wrapper
from pairs import build, config

import mcmi_plugin.fast.optimizer  # noqa: F401

SGD = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, weight_decay=1e-4))
OURS = dict(SGD, constructor='TrainableOptimWrapperConstructor')


def parameters(wrapper) -> list[torch.Tensor]:
    return [p for group in wrapper.param_groups for p in group['params']]


def test_the_student_alone_is_trained():
    model = build(config())
    ours, stock = (build_optim_wrapper(model, cfg) for cfg in (OURS, SGD))
    found, student = parameters(ours), list(model.student.parameters())
    assert [id(p) for p in found] == [id(p) for p in student]
    assert len(ours.param_groups) == 1
    assert len(parameters(stock)) > len(found)  # why it matters


def test_what_a_hook_lets_learn_later_is_in_it():
    model = build(config())
    model.student.backbone.conv1.requires_grad_(False)
    ours = build_optim_wrapper(model, OURS)
    assert [id(p) for p in parameters(ours)] == [
        id(p) for p in model.student.parameters()
    ]


def test_paramwise_options_count():
    model = build(config())
    paramwise = dict(norm_decay_mult=0.0)
    ours, stock = (
        build_optim_wrapper(model, dict(cfg, paramwise_cfg=paramwise))
        for cfg in (OURS, SGD)
    )
    assert [g['weight_decay'] for g in ours.param_groups] == [
        g['weight_decay'] for g in stock.param_groups
    ]
    assert [id(p) for p in parameters(ours)] == [id(p) for p in parameters(stock)]
