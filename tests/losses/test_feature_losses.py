"""AT, SP, PKT and CC as a config builds them, and what they refuse."""

import mmengine.registry
import mmpretrain.registry
import mmrazor.registry
import pytest
import torch

import mcmi_plugin  # noqa: F401  (registers the losses)
from mcmi_plugin.errors import UserError

REGISTRIES = [package.registry.MODELS for package in (mmengine, mmpretrain, mmrazor)]
MAPS, VECTORS = ['PooledATLoss', 'SPLoss'], ['PKTLoss', 'CCLoss']


def build(type: str, registry=REGISTRIES[-1], **kwargs) -> torch.nn.Module:
    return registry.build({'type': type, **kwargs})


def features(type: str, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (6, 4, 4, 4) if type in MAPS else (6, 16)
    return torch.randn(*shape, generator=generator)


@pytest.mark.parametrize('registry', REGISTRIES, ids=lambda registry: registry.scope)
@pytest.mark.parametrize('type', MAPS + VECTORS)
def test_builds_from_any_scope_and_weighs(type: str, registry) -> None:
    student, teacher = features(type), features(type, seed=1)
    loss = build(type, registry)(s_feature=student, t_feature=teacher)
    weighted = build(type, registry, loss_weight=250.0)(student, teacher)
    assert loss.shape == () and loss > 0
    torch.testing.assert_close(weighted, 250 * loss)


@pytest.mark.parametrize('type', MAPS + ['PKTLoss'])
def test_teacher_is_detached(type: str) -> None:
    student = features(type).requires_grad_()
    teacher = features(type, seed=1).requires_grad_()
    build(type)(student, teacher).backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None


@pytest.mark.parametrize('type', MAPS + VECTORS)
def test_mixed_precision_leaves_the_value_alone(type: str) -> None:
    student, teacher = features(type), features(type, seed=1)
    loss = build(type)
    expected = loss(student, teacher)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(loss(student, teacher), expected)
        half = loss(student.bfloat16(), teacher.bfloat16())
    assert half.dtype == torch.float32
    exact = loss(student.bfloat16().float(), teacher.bfloat16().float())
    assert torch.equal(half, exact)


@pytest.mark.parametrize('type', MAPS)
def test_maps_too_large_for_float16_do_not_overflow(type: str) -> None:
    student, teacher = features(type), features(type, seed=1)
    expected = build(type)(300 * student, 300 * teacher)
    halves = (300 * student).half(), (300 * teacher).half()
    torch.testing.assert_close(build(type)(*halves), expected, rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    'type, shape, message',
    [
        ('SPLoss', (6, 16), r's_feature has shape \[6, 16\].*record a stage'),
        ('PooledATLoss', (6, 4, 4), r's_feature has shape \[6, 4, 4\]'),
        ('PKTLoss', (6, 16, 1, 1), r'\[6, 16, 1, 1\].*head\.fc'),
        ('CCLoss', (5, 16), r"batch sizes differ.*'s_feature': 5, 't_feature': 6"),
        ('CCLoss', (6, 8), r'8 and 16 dimensions.*out_features'),
    ],
)
def test_wrong_place_of_a_recorder(type: str, shape: tuple, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build(type)(torch.zeros(shape), features(type))
    assert type in str(caught.value) and '\n' not in str(caught.value)


def test_tuple_of_a_neck() -> None:
    with pytest.raises(UserError, match='t_feature is a tuple.*data_idx'):
        build('PKTLoss')(features('PKTLoss'), (features('PKTLoss'),))
