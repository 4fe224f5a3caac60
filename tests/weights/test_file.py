"""Checkpoint files that are read, and those that are refused."""

import contextlib
import sys
import zipfile

import pytest
import torch
from hostile_files import hostile, refusal, save
from mmengine.runner import CheckpointLoader
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.file import load_checkpoint_file


@pytest.mark.parametrize('case', hostile('marker'))
@pytest.mark.parametrize('zipped', [True, False])
def test_a_file_that_would_run_code_is_refused(tmp_path, case, zipped):
    marker = tmp_path / 'code_was_run'
    path = tmp_path / 'hostile.pth'
    save(path, hostile(marker)[case], _use_new_zipfile_serialization=zipped)
    for load in (load_checkpoint_file, CheckpointLoader.load_checkpoint):
        assert 'more than weights' in refusal(path, load)
    assert not marker.exists()
    if case in ('at the top', 'beside the weights', 'eval'):
        torch.load(path, weights_only=False)
        assert marker.exists()  # it was hostile indeed


def test_a_tensor_that_declares_more_than_the_file_holds(tmp_path):
    views = {'head.fc.weight': torch.zeros(1).expand(10**6, 10**6)}  # 4 TB
    path = save(tmp_path / 'views.pth', {'state_dict': views})
    assert path.stat().st_size < 5_000
    assert 'declares a tensor of [1000000, 1000000]' in refusal(path)
    small = {'state_dict': {'scale': torch.ones(1).expand(3, 4)}}
    loaded = load_checkpoint_file(save(tmp_path / 'small.pth', small))
    assert loaded['state_dict']['scale'].shape == (3, 4)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_forged_size_of_a_tensor(tmp_path, zipped):
    size = 77  # occurs nowhere else in so small a pickle
    path = save(
        tmp_path / 'forged.pth',
        {'w': torch.zeros(size)},
        _use_new_zipfile_serialization=zipped,
    )
    right, forged = b'K' + bytes([size]), b'J' + (2**31 - 1).to_bytes(4, 'little')
    if zipped:
        with zipfile.ZipFile(path) as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        with zipfile.ZipFile(path, 'w') as whole:
            for name, content in parts.items():
                if name.endswith('data.pkl'):
                    assert right in content
                    content = content.replace(right, forged)
                whole.writestr(name, content)
    else:
        content = path.read_bytes()
        assert right in content
        path.write_bytes(content.replace(right, forged))
    refusal(path)


def test_a_zip_with_paths_outside_writes_nothing(tmp_path):
    folder = tmp_path / 'a' / 'b'
    folder.mkdir(parents=True)
    path = save(folder / 'outside.pth', {'w': torch.ones(2)})
    with zipfile.ZipFile(path, 'a') as whole:
        whole.writestr('../../evil', 'written outside')
        whole.writestr('/evil', 'written at the root')
    before = sorted(tmp_path.rglob('*'))
    with contextlib.suppress(UserError):  # refused is as good
        assert load_checkpoint_file(path)['w'].tolist() == [1, 1]
    assert sorted(tmp_path.rglob('*')) == before


def test_missing_file_and_folder(tmp_path):
    assert 'no such checkpoint file' in refusal(tmp_path / 'missing.pth')
    assert 'no such checkpoint file' in refusal(tmp_path)


@pytest.mark.parametrize('content', [b'hello, this is text\n', b'\x89PNG\r\n\x1a\n'])
def test_something_else_than_a_checkpoint(tmp_path, content):
    path = tmp_path / 'notes.pth'
    path.write_bytes(content)
    assert 'is not a checkpoint' in refusal(path)


def test_a_checkpoint_is_a_dictionary(tmp_path):
    assert 'is not a checkpoint' in refusal(save(tmp_path / 'a.pth', torch.ones(2)))


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('kept', [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short(tmp_path, zipped, kept):
    weights = {'state_dict': nn.Linear(40, 40).state_dict()}
    path = tmp_path / 'cut.pth'
    save(path, weights, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert 'copy or download it again' in refusal(path)


def test_map_location_and_pathlike(tmp_path):
    path = save(tmp_path / 'weights.pth', {'w': torch.ones(2)})
    assert load_checkpoint_file(path)['w'].device.type == 'cpu'
    assert load_checkpoint_file(path, map_location='meta')['w'].device.type == 'meta'


SAFETENSORS = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'


def test_safetensors(tmp_path, monkeypatch):
    path = tmp_path / 'model.safetensors'
    data = torch.tensor([1.0, 2.0]).numpy().tobytes()
    path.write_bytes(len(SAFETENSORS).to_bytes(8, 'little') + SAFETENSORS + data)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, 'safetensors.torch', None)
        assert 'pip install safetensors' in refusal(path)
    pytest.importorskip('safetensors')
    assert load_checkpoint_file(path)['w'].tolist() == [1, 2]
    path.write_bytes(path.read_bytes()[:-4])
    assert 'cut short' in refusal(path)
