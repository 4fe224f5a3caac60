"""What a recorder finds at the names of the table."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from golden_runners_zoo import build, record

from mcmi_plugin.models.taps import TAPS

NETWORKS = json.loads(
    (Path(__file__).parents[1] / 'zoo_facts/networks.json').read_text()
)['nets']


@pytest.fixture(params=TAPS)
def recorded(request: pytest.FixtureRequest) -> tuple[str, torch.nn.Module, dict]:
    """Network, and the outputs of all its taps as they are after the forward."""
    torch.manual_seed(0)
    model = build(request.param).eval()
    model.init_weights()
    taps = TAPS[request.param]
    names = [taps['stem'], *taps['stages'], *taps['preact'], taps['pooled']]
    copies = []
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output: copies.append(
                output if isinstance(output, tuple) else (output, output.clone())
            )
        )
        for name in names
    ]
    with torch.no_grad():
        outputs = record(model, [*names, taps['logits']], torch.randn(2, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    # A later in-place operation would have changed what the recorder holds.
    assert all(held.equal(copy) for held, copy in (c for c in copies if len(c) == 2))
    assert all(len(calls) == 1 for calls in outputs.values())
    return request.param, model, {name: calls[0] for name, calls in outputs.items()}


def test_shapes_and_signs(recorded: tuple) -> None:
    name, _, outputs = recorded
    taps, facts = TAPS[name], NETWORKS[name]
    places = [taps['stem'], *taps['stages']]
    feats = [outputs[place] for place in places] + [outputs[taps['pooled']][0]]
    assert [list(feat.shape[1:]) for feat in feats] == facts['feat_shapes']
    nonnegative = [bool((feat >= 0).all()) for feat in feats]
    assert nonnegative == facts['feat_nonnegative']
    assert outputs[taps['logits']].shape == (2, 100)
    assert [
        [channels, size, size]
        for channels, size in zip(taps['channels'], taps['sizes'], strict=True)
    ] == facts['feat_shapes'][1:-1]
    assert [taps['pooled_channels']] == facts['feat_shapes'][-1]
    assert len(taps['auxiliary']) == len(taps['stages'])


def test_preactivation(recorded: tuple) -> None:
    name, model, outputs = recorded
    taps = TAPS[name]
    for i, (stage, preact) in enumerate(
        zip(taps['stages'], taps['preact'], strict=True), start=1
    ):
        post, pre = outputs[stage], outputs[preact]
        assert pre.shape == post.shape
        assert pre.min() < 0
        assert pre.equal(post) == (i not in NETWORKS[name]['preact_differs_at'])
        if name.startswith('wrn'):
            # fresh statistics (mean 0, variance 1) and weights (1, 0)
            torch.testing.assert_close(pre, post / (1 + 1e-5) ** 0.5)
        elif name == 'ShuffleV2':
            # behind the ReLU the two halves are interleaved
            halves = F.relu(pre).chunk(2, dim=1)
            assert torch.stack(halves, dim=2).flatten(1, 2).equal(post)
        elif name != 'MobileNetV2':
            assert F.relu(pre).equal(post)
