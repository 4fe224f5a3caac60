"""Forward passes against vectors recorded from RepDistiller's and HSAKD's networks.

A runner has the interface of ``test_golden``: (arrays, manifest entry) -> what was
computed, under the recorded names. The weights of most cases are made from the
names of the original weights (see the manifest), which pins the conversion of
checkpoints as well.
"""

import gzip
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn

import mcmi_plugin.models  # noqa: F401  (registers the networks)
from mcmi_plugin.models.keys import from_hsakd, from_repdistiller
from mcmi_plugin.models.taps import TAPS

HERE = Path(__file__).parent
CONFIGS = HERE.parent / 'configs/_base_/models/cifar'
KEYS: dict[str, dict[str, list[int]]] = json.loads(
    gzip.decompress((HERE / 'zoo_facts/keys.json.gz').read_bytes())
)
# HSAKD's names of the networks -> ours, and what differs in the network itself.
HSAKD_NETWORKS = {
    'vgg13_bn_aux': ('vgg13', {}),
    'mobilenetV2_aux': ('MobileNetV2', {'stem_stride': 1}),
}

Arrays = dict[str, Tensor]


def build(name: str, num_classes: int = 100) -> nn.Module:
    """RepDistiller's network of that name."""
    config = Config.fromfile(CONFIGS / f'{name}.py').model
    config.head.num_classes = num_classes
    return MODELS.build(config)


def build_hsakd(name: str) -> nn.Module:
    """HSAKD's network of that name with its auxiliary classifiers."""
    ours, changes = HSAKD_NETWORKS.get(name, (name.removesuffix('_aux'), {}))
    config = Config.fromfile(CONFIGS / f'{ours}.py').model
    config.backbone.update(changes)
    config.type = 'AuxiliaryImageClassifier'
    return MODELS.build(config)


def record(model: nn.Module, names: list[str], images: Tensor) -> dict[str, list]:
    """What each named module returned in one forward pass, as a recorder keeps it."""
    outputs: dict[str, list] = {name: [] for name in names}
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: outputs[name].append(output)
        )
        for name in outputs
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return outputs


def made_weights(name: str, case: dict) -> dict[str, Tensor]:
    """The weights of the manifest's recipe, by their original names."""
    base = case['hyperparameters']['base']
    shapes = KEYS[name]
    digest, weights = hashlib.sha256(), {}
    for key, shape in shapes.items():
        layer, kind = key.rsplit('.', 1)
        if kind == 'num_batches_tracked':
            weights[key] = torch.tensor(0)
            continue
        seed = (zlib.crc32(key.encode()) + base) % 2**32
        value = np.random.RandomState(seed).standard_normal(shape)
        if kind == 'running_var':
            value = np.exp(0.3 * value)
        elif kind == 'weight' and f'{layer}.running_var' in shapes:
            value = 1 + 0.1 * value
        elif kind == 'weight':
            value *= np.sqrt(2 / np.prod(shape[1:]))
        else:  # every bias and running mean
            value *= 0.1
        value = value.astype(np.float32)
        digest.update(value.tobytes())
        weights[key] = torch.from_numpy(value)
    assert digest.hexdigest() == case['hyperparameters']['weights_sha256']
    return weights


def made_images(arrays: Arrays, case: dict) -> Tensor:
    random = np.random.RandomState(case['hyperparameters']['base'])
    images = random.standard_normal((4, 3, 32, 32)).astype(np.float32)
    assert (images.flatten()[:16] == arrays['input_head'].numpy()).all()
    return torch.from_numpy(images)


@torch.no_grad()
def run_forward(name: str, arrays: Arrays, case: dict) -> Arrays:
    model = build(name)
    weights = from_repdistiller(name, made_weights(name, case))
    model.load_state_dict(weights)
    images = made_images(arrays, case)
    taps = TAPS[name]
    places = [taps['stem'], *taps['stages'], taps['pooled'], taps['logits']]
    outputs = record(model.eval(), places, images)
    *feats, pooled, logits = (output for (output,) in outputs.values())
    results = {'expected_logits_eval': logits}
    for i, feat in enumerate([*feats, pooled[0]]):
        feat64 = feat.double()
        results[f'expected_feat_{i}_stats'] = torch.stack(
            [feat64.mean(), feat64.std(), feat64.abs().max()]
        )
        results[f'expected_feat_{i}_head'] = feat.flatten(1)[:, :8]
    results['expected_logits_train'] = model.train()(images)
    return results


@torch.no_grad()
def run_hsakd(name: str, arrays: Arrays, case: dict) -> Arrays:
    model = build_hsakd(name)
    weights = from_hsakd(name, made_weights(f'hsakd_{name}', case))
    model.load_state_dict(weights)
    images = made_images(arrays, case)
    results = {}
    for mode in ('eval', 'train'):
        feats = model.train(mode == 'train').backbone(images)
        results[f'expected_logits_{mode}'] = model.head(model.neck(feats))
        for i, logits in enumerate(model.auxiliary(feats)):
            results[f'expected_aux_{i}_{mode}'] = logits[:, :64]
    return results


@torch.no_grad()
def run_state(name: str, arrays: Arrays, case: dict) -> Arrays:
    if name == 'wrn_10_1':  # no network of the paper's, so it has no config
        config = Config.fromfile(CONFIGS / 'wrn_16_1.py').model
        config.backbone.depth = 10
        config.head.num_classes = 10
        model = MODELS.build(config)
    else:
        model = build(name, num_classes=10)
    stored = {n[6:]: a for n, a in arrays.items() if n.startswith('param.')}
    missing, unexpected = model.load_state_dict(
        from_repdistiller(name, stored), strict=False
    )
    assert not unexpected
    assert all(key.endswith('num_batches_tracked') for key in missing)
    images = arrays['input']
    outputs = record(model.eval(), ['neck'], images)
    results = {
        'expected_logits_eval': model(images),
        'expected_pooled_feat': outputs['neck'][0][0],
        'expected_logits_train': model.train()(images),
    }
    after = model.state_dict()
    for ours, theirs in from_repdistiller(name, {key: key for key in stored}).items():
        if 'running' in theirs:
            results[f'expected_after.{theirs}'] = after[ours]
    return results


def run_zoo(arrays: Arrays, case: dict) -> Arrays:
    kind, name = case['case'].split('_', 1)
    return {'forward': run_forward, 'hsakd': run_hsakd, 'state': run_state}[kind](
        name, arrays, case
    )


def zoo_tolerance(case: dict, expected: Tensor) -> dict[str, float]:
    """The manifest may give ``atol`` in words, as a part of the largest value."""
    rtol, atol = case['tolerance']['rtol'], case['tolerance']['atol']
    if isinstance(atol, str):
        factor = float(atol.removesuffix(' * max|expected|'))
        atol = factor * expected.abs().max().item()
    return dict(rtol=rtol, atol=atol)


RUNNERS = {'zoo': run_zoo}
