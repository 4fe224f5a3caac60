"""VID and ReviewKD, whose parameters are trained, and HSAKD."""

import math

import pytest
import torch
from mmrazor.registry import MODELS

import mcmi_plugin  # noqa: F401  (registers the losses)
from mcmi_plugin.errors import UserError

STUDENT_SHAPES = [(4, 3, 8, 8), (4, 5, 4, 4), (4, 6, 2, 2)]
TEACHER_SHAPES = [(4, 4, 8, 8), (4, 6, 8, 8), (4, 7, 4, 4)]


def tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator)


def vid(**kwargs) -> torch.nn.Module:
    config = {'type': 'VIDLoss', 'student_channels': 3, 'teacher_channels': 4}
    return MODELS.build(config | kwargs)


def review(**kwargs) -> torch.nn.Module:
    torch.manual_seed(0)
    config = {
        'type': 'ReviewKDLoss',
        'in_channels': [3, 5, 6, 9],
        'out_channels': [4, 6, 7, 8],
    }
    return MODELS.build(config | kwargs)


def review_features() -> dict[str, torch.Tensor]:
    student = [tensor(*shape, seed=i) for i, shape in enumerate(STUDENT_SHAPES)]
    teacher = [tensor(*shape, seed=9 + i) for i, shape in enumerate(TEACHER_SHAPES)]
    student.append(tensor(4, 9, seed=20))  # pooled vectors
    teacher.append(tensor(4, 8, seed=21))
    features = {f's_feature_{i}': s for i, s in enumerate(student)}
    return features | {f't_feature_{i}': t for i, t in enumerate(teacher)}


def test_vid_starts_from_its_variance() -> None:
    # A regressor of zeros predicts 0; a target of 0 leaves half the log variance.
    loss = vid(init_variance=2.0, loss_weight=10.0)
    for conv in (loss.regressor[0], loss.regressor[2], loss.regressor[4]):
        torch.nn.init.zeros_(conv.weight)
    result = loss(tensor(2, 3, 4, 4), torch.zeros(2, 4, 2, 2))
    assert result.item() == pytest.approx(5 * math.log(2), rel=1e-5)


def test_vid_trains_regressor_and_variances_but_not_the_teacher() -> None:
    loss = vid()
    student, teacher = tensor(2, 3, 4, 4), tensor(2, 4, 4, 4).requires_grad_()
    loss(student.requires_grad_(), teacher).backward()
    assert len(list(loss.parameters())) == 4
    assert all(p.grad.abs().sum() > 0 for p in (*loss.parameters(), student))
    assert teacher.grad is None


@pytest.mark.parametrize('key, channels', [('student', (5, 4)), ('teacher', (3, 2))])
def test_vid_with_other_channels(key: str, channels: tuple[int, int]) -> None:
    maps = [tensor(2, c, 4, 4) for c in channels]
    wrong = channels[0] if key == 'student' else channels[1]
    message = rf'VIDLoss\.{key}_channels .* map has {wrong} channels'
    with pytest.raises(UserError, match=message):
        vid()(*maps)


def test_review_reaches_every_stage_and_parameter() -> None:
    loss, features = review(), review_features()
    for feature in features.values():
        feature.requires_grad_()
    result = loss(**features)
    result.backward()
    assert result.shape == ()
    assert all(p.grad is not None for p in loss.parameters())
    for name, feature in features.items():
        assert (feature.grad is not None) == name.startswith('s_')
    assert loss.fusions[-1].attention is None
    assert all(fusion.attention is not None for fusion in loss.fusions[:-1])


def test_review_takes_the_pooled_vector_as_a_map() -> None:
    features = review_features()
    expected = review()(**features)
    features['s_feature_3'] = features['s_feature_3'][:, :, None, None]
    features['t_feature_3'] = features['t_feature_3'][:, :, None, None]
    assert torch.equal(review()(**features), expected)
    assert torch.equal(review(loss_weight=5.0)(**features), 5 * expected)


def test_review_has_at_most_512_mid_channels() -> None:
    loss = review(in_channels=[3, 600], out_channels=[4, 7])
    assert {fusion.reduce[0].out_channels for fusion in loss.fusions} == {512}


def test_review_without_a_stage() -> None:
    features = review_features()
    del features['t_feature_2']
    with pytest.raises(UserError, match='3 of t_feature_.*out_channels has 4'):
        review()(**features)


def test_review_with_a_wrong_stage() -> None:
    features = review_features()
    with pytest.raises(UserError, match=r's_feature_1 has shape \[4, 9\]'):
        review()(**features | {'s_feature_1': tensor(4, 9)})
    with pytest.raises(UserError, match=r'out_channels\[1\] is 6, .* 5 channels'):
        review()(**features | {'t_feature_1': tensor(4, 5, 4, 4)})


def test_review_with_lists_that_do_not_fit() -> None:
    with pytest.raises(UserError, match='got 2 and 3'):
        review(in_channels=[3, 4], out_channels=[3, 4, 5])
    with pytest.raises(UserError, match='5 at most: got 6 and 6'):
        review(in_channels=[3] * 6, out_channels=[3] * 6)


def test_hsakd_is_a_sum_of_mmrazor_divergences() -> None:
    student = [tensor(8, classes, seed=classes) for classes in (12, 12, 3)]
    teacher = [tensor(8, classes, seed=9 + classes) for classes in (12, 12, 3)]
    divergence = MODELS.build({'type': 'KLDivergence', 'tau': 3, 'loss_weight': 2.0})
    expected = sum(map(divergence, student, teacher))
    loss = MODELS.build({'type': 'HSAKDLoss', 'tau': 3, 'loss_weight': 2.0})
    result = loss(
        preds_S=student[-1],
        preds_T=teacher[-1],
        aux_S=student[:2],
        aux_T=tuple(teacher[:2]),
    )
    torch.testing.assert_close(result, expected)


def test_hsakd_with_other_branches() -> None:
    loss, logits, aux = MODELS.build({'type': 'HSAKDLoss'}), tensor(8, 3), tensor(8, 12)
    message = (
        r'student are \[\[8, 12\], \[8, 3\]\], of the teacher \[\[8, 12\], \[8, 12\]'
    )
    with pytest.raises(UserError, match=message):
        loss(logits, logits, [aux], [aux, aux])
