"""Networks that no table has compose, on either side, with every method."""

import functools
import hashlib
import importlib
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from combinations import BASE
from conftest import PROJECT
from mmengine.config import Config
from network_steps import (
    CLASSES,
    NUMBERS,
    OF_ANY,
    PER_STAGE,
    method_of,
    must_not_run,
    one_step,
    shipped,
)
from networks import FEW, FOUR, MODULE_OF_MINE, THREE, TIMM, VGG, write_networks

from mcmi_plugin.config_file import read_network
from mcmi_plugin.distill import compose, network_taps
from mcmi_plugin.distill.network_taps import taps_of
from mcmi_plugin.errors import UserError

# The function of that name hides its module.
compose_module = importlib.import_module('mcmi_plugin.distill.compose')
# Of the model of every pair with every method, in JSON: 12 digits of SHA-256.
DIGESTS = Path(__file__).with_name('composed_models.json')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def ring(names: list[str]) -> list[tuple[str, str]]:
    return list(zip(names, [*names[1:], names[0]], strict=True))


@pytest.mark.parametrize(
    ('teacher', 'student', 'networks', 'names'),
    [
        *((*pair, FOUR, PER_STAGE + OF_ANY) for pair in ring(list(FOUR))),
        *((*pair, THREE, (*OF_ANY, 'at', 'vid')) for pair in ring(list(THREE))),
        *((*pair, FEW, OF_ANY) for pair in ring(list(FEW))),
    ],
)
def test_a_step_of_all_methods(teacher, student, networks, names, folder):
    paths = write_networks(folder, networks)
    pair = dict(NUMBERS, teacher=paths[teacher], student=paths[student])
    losses = one_step(compose(pair, method_of(*names)))
    distilled = [name for name in losses if name.startswith('distill.')]
    stages = 3 if networks is THREE else 4
    expected = {'at': stages, 'vid': stages, 'rkd': 2}
    assert len(distilled) == sum(expected.get(name, 1) for name in names)
    # KD is MMRazor's config as it is, but for where the logits are.
    kd = compose(pair, shipped('kd'))
    words = compose(pair, method_of('dkd'))['distiller']
    for side in ('student', 'teacher'):
        logits = words[f'{side}_recorders']['logits']
        assert kd['distiller'][f'{side}_recorders']['fc'] == logits


def test_a_step_of_vgg(folder):
    """Whose classifier is in its backbone, and which takes 224 pixels only."""
    paths = write_networks(folder, VGG | FOUR)
    pair = dict(NUMBERS, teacher=paths['vgg11'], student=paths['mobilenet_v3'])
    model = compose(pair, method_of('sp', 'dkd', 'at'))
    assert model['teacher']['backbone']['num_classes'] == CLASSES
    assert 'num_classes' not in model['teacher']['head']
    one_step(model, 224)


def test_a_step_of_timm(folder):
    pytest.importorskip('timm')
    paths = write_networks(folder, TIMM | FOUR)
    for teacher, student in (('timm', 'mobilenet_v3'), ('mobilenet_v3', 'timm')):
        pair = dict(NUMBERS, teacher=paths[teacher], student=paths[student])
        losses = one_step(compose(pair, method_of(*PER_STAGE, *OF_ANY)))
        assert len(losses) > 9
    kd = compose(pair, shipped('kd'))
    assert kd['architecture']['loss']['loss_weight'] == 0.1
    assert kd['architecture']['num_classes'] == CLASSES
    assert kd['distiller']['student_recorders']['fc']['source'] == 'model.fc'


CIFAR = 'mcmi_plugin::_base_/models/cifar/{}.py'
IMAGENET = 'mmpretrain::_base_/models/{}.py'


@pytest.mark.parametrize(
    'path',
    [
        *map(CIFAR.format, ('resnet20', 'MobileNetV2', 'ShuffleV1', 'ShuffleV2')),
        *map(IMAGENET.format, ('resnet18', 'resnet50', 'mobilenet_v2_1x')),
    ],
)
def test_a_run_finds_what_the_table_says(path, tmp_path):
    copied = tmp_path / 'other.py'
    copied.write_text(f"_base_ = '{path}'\n")
    network = Config.fromfile(copied).model.to_dict()
    table = taps_of(dict(student=path), 'student', network)
    found = taps_of(dict(student=str(copied)), 'student', network)
    for key in ('logits', 'pooled', 'stages', 'labels', 'channels', 'pooled_channels'):
        assert found[key] == table[key], key
    if path in map(IMAGENET.format, ('resnet18', 'resnet50', 'mobilenet_v2_1x')):
        assert found['preact'] == table['preact']


def test_only_the_table_s_own_networks_are_known_by_name(folder, monkeypatch):
    """A file of another network is not taken for the one that its name says."""
    other = folder / 'resnet18.py'
    other.write_text(f"_base_ = '{CIFAR.format('wrn_16_1')}'\n")
    pair = dict(NUMBERS, teacher=IMAGENET.format('resnet18'), student=str(other))
    sides = compose(dict(pair, student=CIFAR.format('wrn_16_1')), method_of('sp'))
    renamed = compose(pair, method_of('sp', 'pkt'))
    assert renamed['distiller']['student_recorders']['last_stage']['source'] in (
        'backbone',
        'backbone.layer3',
    )
    assert sides['distiller']['teacher_recorders']['last_stage']['source'] == (
        'backbone.layer4'
    )
    one_step(renamed)
    with pytest.raises(UserError, match=r'the teacher has 4 .* the student 3;'):
        compose(pair, method_of('at'))

    # And those are not run.
    monkeypatch.setattr(network_taps, 'see', must_not_run)
    own = folder / 'resnet20.py'  # a child of it, with other classes
    own.write_text(f"_base_ = '{CIFAR.format('resnet20')}'\n")
    compose(
        dict(pair, student=str(own), teacher=CIFAR.format('wrn_16_1')), method_of('at')
    )
    with pytest.raises(pytest.fail.Exception, match='was run'):  # an unknown one is
        compose(
            dict(pair, student=write_networks(folder, THREE)['mine']), method_of('pkt')
        )


def test_nothing_is_drawn_from_the_random_state(folder):
    pair = dict(NUMBERS, teacher=CIFAR.format('resnet20'))
    pair['student'] = write_networks(folder, THREE)['mine']
    network_taps._run.cache_clear()
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    compose(pair, method_of('at'))
    assert network_taps._run.cache_info().misses == 1
    compose(pair, method_of('vid'))
    assert network_taps._run.cache_info().misses == 1  # once a process
    assert before[0] == random.getstate()
    assert before[1] == np.random.get_state()[1].tolist()
    assert before[2].equal(torch.get_rng_state())


def test_the_example_of_the_page(folder, monkeypatch):
    """The files that the page shows, with a network in ``my_network.py``: a step."""
    page = (PROJECT / 'docs/your_network.md').read_text()
    for name, text in re.findall(r'```python\n# (\w+\.py)\n(.*?)```', page, re.S):
        (folder / name).write_text(text)
    module = MODULE_OF_MINE.replace('NetworkOfMine', 'MyNetwork')
    # With a fourth stage, as the page's teacher has four.
    module = module.replace('24, 32)', '24, 32, 40)').replace('(32, ', '(40, ')
    (folder / 'my_network.py').write_text(module)
    monkeypatch.chdir(folder)
    cfg = Config.fromfile('my_pair.py')
    assert [r.source for r in cfg.model.distiller.student_recorders.values()][:4] == (
        ['relu'] * 4
    )
    cfg.model.teacher_ckpt = None
    one_step(cfg.model.to_dict())


def test_shipped_pairs_and_methods_compose_what_they_did(monkeypatch):
    monkeypatch.setattr(compose_module, 'read_network', functools.cache(read_network))
    digests = {}
    methods = {p.stem: Config.fromfile(p).method for p in BASE.glob('methods/*.py')}
    for path in BASE.glob('pairs/*.py'):
        pair = Config.fromfile(path).pair
        for name, method in methods.items():
            text = json.dumps(plain(compose(pair, method)))
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            digests[f'{path.stem} {name}'] = digest
    assert digests == json.loads(DIGESTS.read_text())


def plain(part):
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return [plain(x) for x in part] if isinstance(part, (list, tuple)) else part
