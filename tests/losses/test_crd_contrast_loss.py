"""CRD's memory banks: their size, their updates, a resumed run, wrong input."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmrazor.registry import MODELS
from torch.nn.functional import normalize

import mcmi_plugin  # noqa: F401  (registers CRDContrastLoss)
from mcmi_plugin.errors import UserError
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

# 30 samples of three uneven classes: MMRazor's own index lists would be ragged.
LABELS = torch.tensor([0] * 3 + [1] * 7 + [2] * 20)


def build(labels: torch.Tensor | None = LABELS, **kwargs) -> CRDContrastLoss:
    torch.manual_seed(0)
    config = {'type': 'CRDContrastLoss', 'embed_dim': 5, 'num_negatives': 8}
    loss = MODELS.build(config | kwargs)
    if labels is not None:
        loss.prepare(labels)
    return loss


def batch(step: int, size: int = 6) -> dict:
    generator = torch.Generator().manual_seed(step)
    index = torch.randperm(len(LABELS), generator=generator)[:size].tolist()
    student, teacher = torch.randn(2, size, 5, generator=generator)
    return {
        's_feature': normalize(student).requires_grad_(),
        't_feature': normalize(teacher).requires_grad_(),
        'data_samples': [SimpleNamespace(sample_idx=i) for i in index],
    }


def take_steps(loss: CRDContrastLoss, steps: range) -> list[torch.Tensor]:
    outcome = []
    for step in steps:
        torch.manual_seed(100 + step)  # the draws of the negatives
        inputs = batch(step)
        value = loss(**inputs)
        value.backward()
        outcome += [value.detach(), inputs['s_feature'].grad, inputs['t_feature'].grad]
    return outcome


def test_a_step_updates_the_rows_of_the_batch_alone() -> None:
    loss, inputs = build(), batch(0)
    before = {name: bank.clone() for name, bank in loss.named_buffers()}
    value = loss(**inputs)
    assert value.shape == () and value.isfinite()
    index = [sample.sample_idx for sample in inputs['data_samples']]
    for name, key in (('student_bank', 's_feature'), ('teacher_bank', 't_feature')):
        expected = before[name].clone()
        expected[index] = normalize((before[name][index] + inputs[key].detach()) / 2)
        torch.testing.assert_close(getattr(loss, name), expected)


def test_normaliser_is_set_once() -> None:
    loss = build()
    take_steps(loss, range(1))
    first = loss.normaliser.clone()
    take_steps(loss, range(1, 3))
    assert (first > 0).all() and torch.equal(loss.normaliser, first)


def test_negatives_are_of_other_classes(monkeypatch) -> None:
    loss, seen = build(num_negatives=500), []
    monkeypatch.setattr(loss, 'contrast', lambda *args: seen.append(args))
    inputs = batch(0)
    loss(**inputs)
    _, _, index, contrast_index = seen[0]
    assert index.tolist() == [s.sample_idx for s in inputs['data_samples']]
    assert torch.equal(contrast_index[:, 0], index)
    assert contrast_index.shape == (6, 501)
    assert (LABELS[contrast_index[:, 1:]] != LABELS[index][:, None]).all()


def test_loss_weight_is_applied() -> None:
    torch.testing.assert_close(
        take_steps(build(loss_weight=0.8), range(2)),
        [0.8 * part for part in take_steps(build(), range(2))],
    )


def test_resumed_run_repeats_the_one_that_went_on() -> None:
    loss = build()
    take_steps(loss, range(3))
    state = copy.deepcopy(loss.state_dict())
    assert set(state) == {'student_bank', 'teacher_bank', 'normaliser'}
    resumed = build()
    resumed.load_state_dict(state)
    went_on, again = take_steps(loss, range(3, 6)), take_steps(resumed, range(3, 6))
    assert all(map(torch.equal, went_on, again))
    for name, value in loss.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_banks_are_noise_of_the_right_size() -> None:
    loss = build(torch.arange(1000) % 2, embed_dim=27)
    for bank in (loss.student_bank, loss.teacher_bank):
        assert bank.shape == (1000, 27)
        assert 0.33 < bank.max() < 1 / 3 + 1e-6 and -1 / 3 - 1e-6 < bank.min() < -0.33
    assert not torch.equal(loss.student_bank, loss.teacher_bank)
    assert not any(True for _ in loss.parameters())


def test_mixed_precision_leaves_the_value_alone() -> None:
    expected = build()(**batch(0))
    with torch.autocast('cpu', torch.bfloat16):
        result = build()(**batch(0))
    assert torch.equal(result, expected)


def test_no_hook() -> None:
    with pytest.raises(UserError, match='custom_hooks.*CRDBankHook'):
        build(labels=None)(**batch(0))


def test_no_sample_index() -> None:
    inputs = batch(0) | {'data_samples': [SimpleNamespace()] * 6}
    with pytest.raises(UserError, match='lack sample_idx.*meta_keys of PackInputs'):
        build()(**inputs)


def test_sample_index_beyond_the_data_set() -> None:
    inputs = batch(0)
    inputs['data_samples'][2].sample_idx = 30
    with pytest.raises(UserError, match='sample_idx 30 in a training set of 30'):
        build()(**inputs)


def test_embedding_of_another_size() -> None:
    inputs = batch(0) | {'t_feature': torch.zeros(6, 7)}
    with pytest.raises(UserError, match='t_feature .* 7 dimensions.*dim_out=5'):
        build()(**inputs)


def test_one_class() -> None:
    with pytest.raises(UserError, match='train_dataloader.dataset.*two classes'):
        build(torch.zeros(9, dtype=torch.int64))
