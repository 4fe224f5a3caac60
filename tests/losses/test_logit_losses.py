"""LS, ATS, WTTM and NKD as a config builds them, and what they refuse."""

import mmengine.registry
import mmpretrain.registry
import mmrazor.registry
import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import mcmi_plugin  # noqa: F401  (registers the losses)
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.logits import standardised

REGISTRIES = [package.registry.MODELS for package in (mmengine, mmpretrain, mmrazor)]
KD = dict(type='KLDivergence', tau=2.0, loss_weight=9.0)
DKD = dict(type='DKDLoss', tau=2.0, beta=3.0, reduction='batchmean')
LOSSES = {
    'ls': dict(type='StandardisedLogitsLoss', loss=KD),
    'dkd_ls': dict(type='StandardisedLogitsLoss', loss=DKD),
    'ats': dict(type='AsymmetricTemperatureLoss', loss=dict(KD, tau=1.0)),
    'wttm': dict(type='WTTMLoss', exponent=0.25),
    'nkd': dict(type='NKDLoss', tau=2.0),
}
LABELS = dict(gt_labels=torch.tensor([2, 0, 4, 1, 1, 3]))
GIVEN = {'dkd_ls': LABELS, 'ats': LABELS, 'nkd': LABELS}


def logits(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(6, 5, generator=generator)


def build(name: str, registry=REGISTRIES[-1], **changes) -> torch.nn.Module:
    return registry.build({**LOSSES[name], **changes})


@pytest.mark.parametrize('registry', REGISTRIES, ids=lambda registry: registry.scope)
@pytest.mark.parametrize('name', LOSSES)
def test_builds_from_any_scope_and_weighs(name: str, registry) -> None:
    loss = build(name, registry)
    value = loss(logits(0), logits(1), **GIVEN.get(name, {}))
    assert value.shape == () and value > 0
    loss.loss_weight = 5 * loss.loss_weight  # as LossWarmupHook does
    torch.testing.assert_close(
        loss(logits(0), logits(1), **GIVEN.get(name, {})), 5 * value
    )


@pytest.mark.parametrize('name', LOSSES)
def test_mixed_precision_leaves_the_value_alone(name: str) -> None:
    student, teacher, given = logits(0), logits(1), GIVEN.get(name, {})
    loss = build(name)
    expected = loss(student, teacher, **given)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(loss(student, teacher, **given), expected)
        half = loss(student.half(), teacher.half(), **given)
    exact = loss(student.half().float(), teacher.half().float(), **given)
    assert torch.equal(half, exact) and half.dtype == torch.float32


def test_ls_is_another_loss_of_other_logits() -> None:
    inner = REGISTRIES[-1].build(DKD)
    expected = inner(standardised(logits(0)), standardised(logits(1)), **LABELS)
    assert build('dkd_ls')(logits(0), logits(1), **LABELS).equal(expected)


def test_ats_with_one_temperature_is_kd() -> None:
    ats = build('ats', true=2.0, others=2.0, student=2.0)
    kd = REGISTRIES[-1].build(KD)
    torch.testing.assert_close(
        ats(logits(0), logits(1), **LABELS), kd(logits(0), logits(1))
    )


def test_ats_spreads_the_wrong_classes_of_the_teacher() -> None:
    """By hand: labels 0; logits 4, 2, 0 at temperatures 4 and 2 are 1, 1, 0."""
    ats = build('ats', true=4.0, others=2.0, student=1.0, loss=dict(KD, tau=1.0))
    teacher, student = torch.tensor([[4.0, 2.0, 0.0]]), torch.zeros(1, 3)
    target = torch.tensor([[1.0, 1.0, 0.0]]).softmax(1)
    entropy = -(target * target.log()).sum()
    expected = 9 * (cross_entropy(student, target) - entropy)
    result = ats(student, teacher, gt_labels=torch.tensor([0]))
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize('name', ['ats', 'nkd'])
def test_labels_may_be_rows_but_not_mixed(name: str) -> None:
    loss, ids = build(name), LABELS['gt_labels']
    rows = one_hot(ids, 5).float()
    value = loss(logits(0), logits(1), gt_labels=ids)
    assert loss(logits(0), logits(1), gt_labels=rows).equal(value)
    with pytest.raises(UserError, match=r'hard labels needed: remove mixup/cutmix'):
        loss(logits(0), logits(1), gt_labels=0.9 * rows + 0.02)


@pytest.mark.parametrize(
    'name, changes, message',
    [
        ('wttm', dict(exponent=4.0), r'WTTMLoss\.exponent=4\.0: it is 1 / T'),
        ('nkd', dict(tau=0), r'NKDLoss\.tau=0'),
        ('ats', dict(others=-1.0), r'AsymmetricTemperatureLoss\.others=-1\.0'),
    ],
)
def test_numbers_out_of_range(name: str, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(name, **changes)


@pytest.mark.parametrize('name', LOSSES)
def test_wrong_place_of_a_recorder(name: str) -> None:
    maps = torch.zeros(6, 5, 1, 1)
    message = r'preds_S has shape \[6, 5, 1, 1\].*classifier'
    with pytest.raises(UserError, match=message):
        build(name)(maps, logits(1), **GIVEN.get(name, {}))
