"""The converter by its real command, and its result in mmpretrain without us."""

import subprocess
import sys

import pytest
import torch
from golden_runners_zoo import KEYS
from torchvision_networks import CONFIGS, random_network

NETWORKS = ('resnet18', 'resnet50', 'mobilenet_v2')
CLASSES = ('--cfg-options', 'model.head.num_classes=10')

# What a user of mmpretrain does; torchvision gives the true logits.
PLAIN_MMPRETRAIN = """
import sys, torch, torchvision
from mmengine.runner import load_checkpoint
from mmpretrain import get_model
from torchvision_networks import CONFIGS
for name in sys.argv[1:]:
    config = CONFIGS[name].removeprefix('mmpretrain::').split('/')[1][:-3]
    model = get_model(config, head=dict(num_classes=10)).eval()
    load_checkpoint(model, f'{name}_ours.pth', map_location='cpu', strict=True)
    network = torchvision.models.get_model(name, num_classes=10).eval()
    network.load_state_dict(torch.load(f'{name}.pth', weights_only=True))
    images = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(model(images), network(images))
assert 'mcmi_plugin' not in sys.modules
"""


def write_config(folder, name: str):
    """A config of its own, as users have; it names mmpretrain's."""
    path = folder / f'{name}.py'
    path.write_text(f"_base_ = ['{CONFIGS[name]}']\n")
    return path


@pytest.fixture
def resnet18(tmp_path):
    torch.save(random_network('resnet18').state_dict(), tmp_path / 'resnet18.pth')
    return write_config(tmp_path, 'resnet18')


def test_torchvision(command, tmp_path, project):
    for name in NETWORKS:
        torch.save(random_network(name).state_dict(), tmp_path / f'{name}.pth')
        config = write_config(tmp_path, name)
        done = command(
            'convert_checkpoint.py',
            *(f'{name}.pth', f'{name}_ours.pth', '--config', config, *CLASSES),
        )
        assert f'written: {name}_ours.pth' in done.stdout
        assert 'torchvision' in done.stdout
        assert 'largest difference' in done.stdout
    subprocess.run(
        [sys.executable, '-c', PLAIN_MMPRETRAIN, *NETWORKS],
        cwd=tmp_path,
        env={'PYTHONPATH': str(project / 'tests'), 'OMP_NUM_THREADS': '1'},
        check=True,
    )


def test_repdistiller(command, tmp_path, project):
    weights = {key: torch.rand(shape) for key, shape in KEYS['wrn_16_1'].items()}
    torch.save({'epoch': 240, 'model': weights, 'best_acc': 0.7}, tmp_path / 'wrn.pth')
    config = project / 'configs/_base_/models/cifar/wrn_16_1.py'
    done = command('convert_checkpoint.py', 'wrn.pth', 'out.pth', '--config', config)
    assert 'repdistiller' in done.stdout
    assert 'not checked: the source library is not' in done.stdout
    converted = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert converted['meta']['source']['naming'] == 'repdistiller'
    place = 'backbone.layer2.0.shortcut.weight'
    original = weights['block2.layer.0.convShortcut.weight']
    assert torch.equal(converted['state_dict'][place], original)


def refused(command, tmp_path, *args) -> str:
    """The one line; nothing has been written."""
    before = sorted(tmp_path.iterdir())
    done = command('convert_checkpoint.py', *args, ok=False)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    assert sorted(tmp_path.iterdir()) == before
    (line,) = [row for row in done.stderr.splitlines() if row.startswith('error: ')]
    return done.stdout + line


def test_foreign_key(command, tmp_path, resnet18):
    state = torch.load(tmp_path / 'resnet18.pth', weights_only=True)
    for key in ('a.long.name.' * 9 + 'weight', 'extra.bias'):
        state[key] = torch.zeros(1)
    torch.save(state, tmp_path / 'resnet18.pth')
    args = ('resnet18.pth', 'out.pth', '--config', resnet18, *CLASSES)
    text = refused(command, tmp_path, *args)
    assert f'not placed: {"a.long.name." * 9}weight has no place\n' in text
    assert 'not placed: extra.bias has no place\n' in text
    assert 'error: resnet18.pth: keys without a place in the model: 2' in text


def test_number_of_classes_of_a_teacher(command, tmp_path, project):
    torch.save(random_network('resnet34').state_dict(), tmp_path / 'resnet34.pth')
    config = project / 'configs/mcmi/r34_r18_imagenet.py'
    args = ('resnet34.pth', 'out.pth', '--config', config)
    text = refused(command, tmp_path, *args)
    assert 'error: resnet34.pth: 10 classes in the file, 1000 in the model' in text
    assert '--cfg-options model.teacher.head.num_classes=' in text


class RunsCode:
    def __reduce__(self):
        return open, ('code_has_run', 'w')


def test_bad_files(command, tmp_path, resnet18):
    state = random_network('resnet18').state_dict()
    torch.save({'state_dict': state, 'x': RunsCode()}, tmp_path / 'unsafe.pth')
    for source, words in (
        ('unsafe.pth', 'unsafe.pth: refused, it holds more than weights'),
        ('none.pth', 'none.pth: no such checkpoint file'),
    ):
        args = (source, 'out.pth', '--config', resnet18, *CLASSES)
        assert words in refused(command, tmp_path, *args)
