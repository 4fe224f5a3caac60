"""Another project's checkout: which it is, and what is made of it."""

import sys

import pytest

from benchmarks import peers
from mcmi_plugin.errors import UserError

REPDISTILLER = {
    'helper/__init__.py': '',
    'helper/loops.py': """
def train_distill(epoch, loader, modules, criteria, optimizer, opt):
    assert opt.distill == 'kd' and (opt.gamma, opt.alpha, opt.beta) == (0.1, 0.9, 0)
    print('Epoch: chatter')
    student, teacher = modules
    for images, labels, index in loader:
        with torch.no_grad():
            target = teacher(images)
        logits = student(images)
        loss = opt.gamma * criteria[0](logits, labels)
        loss = loss + opt.alpha * criteria[1](logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
import torch
""",
    'models/__init__.py': """
from torch import nn
def net(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, num_classes))
model_dict = dict(resnet20=net, resnet56=net)
""",
    'distiller_zoo/__init__.py': """
from torch import nn
class DistillKL(nn.Module):
    def __init__(self, T):
        super().__init__()
        assert T == 4
    def forward(self, a, b):
        return (a - b).square().mean()
""",
}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


@pytest.fixture(autouse=True)
def own_modules(monkeypatch):
    """A checkout's modules have names that anything might have."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split('.')[0] in ('helper', 'models', 'distiller_zoo', 'mdistiller'):
            del sys.modules[name]


def test_a_checkout_is_known_by_its_files(tmp_path):
    folder = write(tmp_path / 'a', {'mdistiller/engine/trainer.py': ''})
    assert peers.check_peer(folder) == 'mdistiller'
    assert peers.check_peer(write(tmp_path / 'b', REPDISTILLER)) == 'RepDistiller'


def test_any_other_folder_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError) as error:
        peers.load_peer(str(tmp_path))
    line = str(error.value)
    assert line.startswith(f'--peer {tmp_path}: ') and '\n' not in line
    assert 'helper/loops.py' in line and 'mdistiller/engine/trainer.py' in line


def test_its_own_loop_trains_its_own_student(tmp_path, capsys):
    path = list(sys.path)
    peer = peers.load_peer(write(tmp_path, REPDISTILLER))
    assert peer.name == 'RepDistiller' and sys.path == path
    images, labels = peers.torch.ones(2, 3, 32, 32), peers.torch.tensor([0, 1])
    before = peer.student[1].weight.clone()
    peer.epoch([(images, labels)])
    assert not peer.student[1].weight.equal(before)
    assert capsys.readouterr().out == ''


def test_a_package_that_it_lacks_is_named(tmp_path):
    files = {
        'mdistiller/__init__.py': '',
        'mdistiller/engine/__init__.py': '',
        'mdistiller/engine/trainer.py': 'import no_such_package_of_theirs',
    }
    with pytest.raises(UserError, match='no_such_package_of_theirs'):
        peers.load_peer(write(tmp_path, files))
