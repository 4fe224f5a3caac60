"""bfloat16 and torch.compile by config, for a student with recorders and a teacher.

On the CPU, where both work; mmengine refuses its AmpOptimWrapper without a GPU.
"""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper
from small_runs import config, train
from test_nothing_waits import METHODS, batch, model_of  # noqa: F401  (a fixture)
from test_step_graph import NO_VALIDATION, distillation
from torch._dynamo.utils import counters

from mcmi_plugin.commands import use_mixed_precision
from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.fast.lean_step import losses_and_gradients

AMP = 'mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available'
BF16 = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))


@pytest.fixture
def amp_anywhere(monkeypatch):
    monkeypatch.setattr(AMP, lambda: True)


@pytest.mark.parametrize('method', [m for m in METHODS if 'imagenet' not in m])
def test_a_method_in_bfloat16(method, model_of, amp_anywhere) -> None:  # noqa: F811
    """Its losses and gradients, but for rounding to 8 bits."""
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        model = model_of(method)
        model.train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        wrapper = AmpOptimWrapper(
            optimizer=optimizer, dtype=dtype, loss_scale=dict(enabled=False)
        )
        if dtype == torch.float32:
            wrapper.optim_context = lambda model: torch.autocast('cpu', enabled=False)
        torch.manual_seed(1)
        losses = losses_and_gradients(model, batch(), wrapper)
        fc = model.student.head.fc.weight.grad
        found.append((losses, fc))
    (exact, gradient), (rounded, near) = found
    for name, value in exact.items():
        # Of random networks and four images: DKD's small terms are differences.
        torch.testing.assert_close(rounded[name].float(), value, rtol=0.1, atol=0.03)
    # DIST divides by how far four images are apart, which is little more than a step
    # of bfloat16 in a random network.
    most = 0.5 if method == 'dist' else 0.1
    assert (near - gradient).norm() <= most * gradient.norm()
    assert not torch.equal(near, gradient)  # it was in bfloat16


def run(folder, distils: bool, name: str, **changes):
    cfg = config(folder / name, **NO_VALIDATION)
    if distils:
        cfg.model = distillation()
    else:
        cfg.model.backbone.type = 'SteadyBackbone'
        cfg.model.head.loss = dict(type='CMILoss', lmda=0.0, num_classes=10)
        cfg.custom_hooks = [dict(type='CMIMonitorHook')]
    cfg.merge_from_dict(changes)
    return train(cfg)


@pytest.mark.parametrize('distils', [True, False])
def test_a_run_in_bfloat16(distils, tmp_path, amp_anywhere) -> None:
    plain = run(tmp_path, distils, 'plain')
    amp = run(tmp_path, distils, 'amp', optim_wrapper=BF16)
    kinds = {type(value.dtype) for value in amp.model.state_dict().values()}
    assert kinds == {torch.dtype}
    for name, value in plain.model.state_dict().items():
        if value.is_floating_point() and value.numel() > 1 and value.isfinite().all():
            apart = (amp.model.state_dict()[name] - value).norm()
            assert apart <= 0.1 * value.norm() + 0.02, name


@pytest.mark.parametrize('distils', [True, False])
def test_a_compiled_run(distils, tmp_path) -> None:
    """By the compiler that computes as ever: it is how the model is called."""
    plain = run(tmp_path, distils, 'plain')
    counters.clear()
    compiled = run(tmp_path, distils, 'compiled', compile=dict(backend='eager'))
    assert counters['stats']['calls_captured'] > 0
    theirs = plain.model.state_dict()
    for name, value in compiled.model.state_dict().items():
        torch.testing.assert_close(value, theirs[name], equal_nan=True)


@pytest.mark.parametrize(
    ('has_bf16', 'given', 'expected'),
    [
        (True, {}, dict(dtype='bfloat16', loss_scale=dict(enabled=False))),
        (False, {}, dict(loss_scale='dynamic')),
        (True, dict(dtype='float16'), dict(dtype='float16', loss_scale='dynamic')),
        (True, dict(loss_scale=512.0), dict(dtype='bfloat16', loss_scale=512.0)),
    ],
)
def test_amp_takes_bfloat16_where_the_gpu_has_it(
    has_bf16, given, expected, monkeypatch
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda **kwargs: has_bf16)
    optimizer = dict(type='SGD', lr=0.1)
    cfg = Config(dict(optim_wrapper=dict(optimizer=optimizer, **given)))
    use_mixed_precision(cfg)
    expected = dict(expected, type='AmpOptimWrapper', optimizer=optimizer)
    assert cfg.optim_wrapper.to_dict() == expected


def test_labels_are_joined_on_their_way() -> None:
    """What is sent to a device is one sample; on the CPU it stays as it is."""
    one = batch()
    assert sent(one, torch.device('cpu'), join=True) is one
    (sample,) = sent(one, torch.device('meta'), join=True)['data_samples']
    assert sample.gt_label.shape == sample.sample_idx.shape == (4,)
    assert sample.sample_idx.tolist() == [0, 1, 2, 3]  # read on the CPU
    assert len(sent(one, torch.device('meta'), join=False)['data_samples']) == 4
