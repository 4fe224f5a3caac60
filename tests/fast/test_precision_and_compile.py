"""bfloat16 and torch.compile by config, for a student with recorders and a teacher.

On the CPU, where both work; mmengine refuses its AmpOptimWrapper without a GPU.
"""

import math

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper
from small_runs import NO_VALIDATION, config, distillation, train
from torch._dynamo.utils import counters
from walked import METHODS, batch, model_of

from mcmi_plugin.commands import use_mixed_precision
from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.fast.lean_step import losses_and_gradients
from mcmi_plugin.fast.traces import undone

AMP = 'mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available'
BF16 = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))

# What a loss may be off by besides: the CPU's autocast, unlike CUDA's, takes softmax in
# bfloat16 too, which rounds the log-likelihood of ten classes, times T ** 2.
SOFTMAX = 4**2 * math.log(10) / 2**8


@pytest.fixture
def amp_anywhere(monkeypatch):
    monkeypatch.setattr(AMP, lambda: True)


def move(layer, args, output):
    """By as much as rounding to 8 bits does, at random."""
    return output * (1 + torch.empty_like(output).uniform_(-1, 1) / 2**8)


def losses_and_gradient(model, dtype: torch.dtype, moved: bool = False):
    """Of one step, in which ``moved`` layers give a little more or less."""
    for layer in model.modules():
        if moved and isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(move)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = AmpOptimWrapper(
        optimizer=optimizer, dtype=dtype, loss_scale=dict(enabled=False)
    )
    if dtype == torch.float32:
        wrapper.optim_context = lambda model: torch.autocast('cpu', enabled=False)
    losses = losses_and_gradients(model, batch(), wrapper)
    return {**losses, 'gradient': model.student.head.fc.weight.grad}


@pytest.mark.parametrize('method', [m for m in METHODS if 'imagenet' not in m])
def test_a_method_in_bfloat16(method, amp_anywhere) -> None:
    """Its losses and gradients, but for rounding to 8 bits.

    How much that is depends on the method (DIST divides by how far four images are
    apart): it is what moving each layer's output in its eighth bit does in float32.
    """

    def of(*args, seed: int = 1):
        torch.manual_seed(0)
        model = model_of(method)
        model.train()
        torch.manual_seed(seed)
        return losses_and_gradient(model, *args)

    exact, rounded = of(torch.float32), of(torch.bfloat16)
    others = [of(torch.float32, True, seed=seed) for seed in (1, 2)]
    for name, value in exact.items():
        most = max(float((other[name] - value).norm()) for other in others)
        apart = float((rounded[name].float() - value).norm())
        assert apart <= most + (0 if name == 'gradient' else SOFTMAX), name
    assert not torch.equal(rounded['gradient'], exact['gradient'])  # it was in bfloat16


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


@pytest.mark.parametrize('distils', [pytest.param(True, marks=pytest.mark.slow), False])
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


def test_a_trial_under_autocast_leaves_the_step_its_gradients() -> None:
    """torch to 2.10 keeps the casts of weights that were made without a gradient."""
    network, images = torch.nn.Conv2d(3, 2, 3), torch.ones(1, 3, 5, 5)
    with torch.autocast('cpu', torch.bfloat16):
        with undone(network):
            network(images)
        network(images).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())
