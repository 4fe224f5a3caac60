"""A result is written whole or not at all."""

import os

import pytest
import torch
from golden_runners_zoo import build

from mcmi_plugin.convert.convert import convert
from mcmi_plugin.convert.output import check_output, write_conversion
from mcmi_plugin.errors import UserError


@pytest.fixture
def model():
    return build('resnet8').eval()


@pytest.fixture
def conversion(model, tmp_path):
    path = str(tmp_path / 'file.pth')
    torch.save(model.state_dict(), path)
    return convert(path, model)


def test_written_file(model, conversion, tmp_path):
    out = tmp_path / 'out.pth'
    write_conversion(conversion, str(out))
    checkpoint = torch.load(out, weights_only=True)
    assert set(checkpoint) == {'meta', 'state_dict'}
    assert checkpoint['meta'] == conversion.meta
    model.load_state_dict(checkpoint['state_dict'], strict=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file.pth', 'out.pth']


def test_interrupted_writing_leaves_the_old_file(conversion, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, 'No space left on device')

    out = tmp_path / 'out.pth'
    out.write_bytes(b'old')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match='No space left on device'):
        write_conversion(conversion, str(out))
    assert out.read_bytes() == b'old'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file.pth', 'out.pth']


def test_where_nothing_can_be_written(tmp_path):
    source = tmp_path / 'file.pth'
    source.touch()
    with pytest.raises(UserError, match='is the checkpoint itself'):
        check_output(str(source), f'{tmp_path}/./file.pth')
    for out in (tmp_path, source / 'out.pth', source / 'below' / 'out.pth'):
        with pytest.raises(UserError, match=f'{out}: cannot be written'):
            check_output(str(source), str(out))
    check_output(str(source), str(tmp_path / 'out.pth'))


def test_a_folder_is_made(conversion, tmp_path):
    out = tmp_path / 'checkpoints' / 'cifar10' / 'out.pth'
    check_output(str(tmp_path / 'file.pth'), str(out))
    assert not out.parent.exists()
    write_conversion(conversion, str(out))
    assert out.is_file()
