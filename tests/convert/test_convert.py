"""Recognising a naming, what is kept of a checkpoint, and writing the result."""

import hashlib

import pytest
import torch
from golden_runners_zoo import KEYS, build, build_hsakd

from mcmi_plugin.convert.convert import check_output, convert, recognise, write
from mcmi_plugin.errors import UserError


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build('resnet8').eval()


def test_names_are_recognised(model):
    ours, theirs = model.state_dict(), KEYS['resnet8']
    assert recognise(ours, model) == 'mmpretrain'
    assert recognise(theirs, model) == 'repdistiller'
    assert recognise(theirs, torch.nn.ModuleDict({'backbone': torch.nn.ReLU()})) == (
        'torchvision'
    )
    # HSAKD's own names begin with `backbone.` too.
    hsakd = KEYS['hsakd_resnet8x4_aux']
    assert recognise(hsakd, build_hsakd('resnet8x4_aux')) == 'hsakd'
    # Half of a checkpoint of mmpretrain's is one as well.
    assert recognise({'backbone.conv1.weight': 0}, model) == 'mmpretrain'


def test_checkpoint_of_mmpretrain(model, tmp_path):
    path = str(tmp_path / 'epoch_3.pth')
    extras = {
        'data_preprocessor.mean': torch.zeros(3),
        'head.loss_module.log_centroids': torch.zeros(100, 100),
    }
    meta = {'dataset_meta': {'classes': ['cat']}, 'epoch': 3}
    state = {**model.state_dict(), **extras}
    torch.save({'state_dict': state, 'meta': meta, 'optimizer': {}}, path)
    conversion = convert(path, build('resnet8'))
    assert conversion.fault() is None
    assert conversion.num_classes == 100
    assert conversion.placement.state.keys() == model.state_dict().keys()
    with open(path, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    source = {'file': 'epoch_3.pth', 'sha256': digest, 'naming': 'mmpretrain'}
    assert conversion.meta == {**meta, 'source': source}


def test_file_without_weights(model, tmp_path):
    path = str(tmp_path / 'file.pth')
    torch.save({'epoch': 3}, path)
    with pytest.raises(UserError, match=f'{path}: holds no weights'):
        convert(path, model)


@pytest.fixture
def conversion(model, tmp_path):
    path = str(tmp_path / 'file.pth')
    torch.save(model.state_dict(), path)
    return convert(path, model)


def test_written_file(model, conversion, tmp_path):
    out = tmp_path / 'out.pth'
    write(conversion, str(out))
    checkpoint = torch.load(out, weights_only=True)
    assert set(checkpoint) == {'meta', 'state_dict'}
    assert checkpoint['meta'] == conversion.meta
    model.load_state_dict(checkpoint['state_dict'], strict=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file.pth', 'out.pth']


def test_interrupted_writing_leaves_the_old_file(conversion, tmp_path, monkeypatch):
    def save(checkpoint, file):
        file.write(b'half')
        raise OSError(28, 'No space left on device')

    out = tmp_path / 'out.pth'
    out.write_bytes(b'old')
    monkeypatch.setattr(torch, 'save', save)
    with pytest.raises(UserError, match='No space left on device'):
        write(conversion, str(out))
    assert out.read_bytes() == b'old'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file.pth', 'out.pth']


def test_where_nothing_can_be_written(tmp_path):
    source = tmp_path / 'file.pth'
    source.touch()
    with pytest.raises(UserError, match='is the checkpoint itself'):
        check_output(str(source), str(tmp_path / 'x' / '..' / 'file.pth'))
    for out in (tmp_path, tmp_path / 'nowhere' / 'out.pth', source / 'out.pth'):
        with pytest.raises(UserError, match=f'{out}: cannot be written'):
            check_output(str(source), str(out))
    check_output(str(source), str(tmp_path / 'out.pth'))
