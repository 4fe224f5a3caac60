"""What a recorder finds at the names of the table for mmpretrain's networks."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.hub import get_config
from mmrazor.models.task_modules import RecorderManager
from mmrazor.registry import MODELS

from mcmi_plugin.models.taps import IMAGENET_TAPS

SIZE = 64  # of the images; the table says 224


@pytest.fixture(params=IMAGENET_TAPS)
def recorded(request: pytest.FixtureRequest) -> tuple[str, dict, dict]:
    """Network, its recordings at the stages and before their activations."""
    name = request.param
    config = get_config(f'mmpretrain::_base_/models/{name}.py').model
    config._scope_ = 'mmpretrain'
    # In a distiller, which turns in-place activations off.
    distiller = {'type': 'ConfigurableDistiller'}
    algorithm = {'type': 'SingleTeacherDistill', 'distiller': distiller}
    torch.manual_seed(0)
    model = MODELS.build({**algorithm, 'architecture': config, 'teacher': config})
    model.eval()

    taps = IMAGENET_TAPS[name]
    places = {f'stage_{i}': tap for i, tap in enumerate(taps['stages'])}
    places |= {f'preact_{i}': tap for i, tap in enumerate(taps['preact'])}
    places |= {k: taps[k] for k in ('stem', 'pooled', 'logits')}
    indices, recorders = {}, {}
    for key, tap in places.items():
        tap = tap if isinstance(tap, dict) else {'type': 'ModuleOutputs', 'source': tap}
        recorders[key] = {k: tap[k] for k in ('type', 'source')}
        indices[key] = {k: v for k, v in tap.items() if k.endswith('_idx')}
    manager = RecorderManager(recorders)
    manager.initialize(model.student)
    with manager, torch.no_grad():
        model.student(torch.randn(2, 3, SIZE, SIZE))
    data = {
        key: manager.get_recorder(key).get_record_data(**indices[key])
        for key in recorders
    }
    return name, taps, data


def test_shapes(recorded: tuple) -> None:
    _, taps, data = recorded
    for i, (channels, size) in enumerate(
        zip(taps['channels'], taps['sizes'], strict=True)
    ):
        side = size * SIZE // 224
        assert data[f'stage_{i}'].shape == (2, channels, side, side)
    assert data['stem'].shape[-1] == SIZE // (2 if 'mobilenet' in recorded[0] else 4)
    assert data['pooled'][0].shape == (2, taps['pooled_channels'])
    assert data['logits'].shape == (2, 1000)


def test_preactivation(recorded: tuple) -> None:
    name, taps, data = recorded
    for i in range(len(taps['stages'])):
        post, pre = data[f'stage_{i}'], data[f'preact_{i}']
        assert pre.min() < 0
        if name.startswith('mobilenet'):  # a stage ends linearly
            assert pre.equal(post)
        else:
            assert F.relu(pre).equal(post)
            assert not pre.equal(post)
