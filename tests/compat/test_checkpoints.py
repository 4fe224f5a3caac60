"""Checkpoints as mmengine writes and loads them."""

import argparse
import pickle

import numpy as np
import pytest
import torch
from hostile_files import hostile, refusal, save
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mcmi_plugin.compat.checkpoints import keep_loading_safe
from mcmi_plugin.weights.file import load_checkpoint_file


def test_the_environment_cannot_make_loading_unsafe(tmp_path, monkeypatch):
    marker = tmp_path / 'code_was_run'
    path = save(tmp_path / 'hostile.pth', hostile(marker)['at the top'])
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    refusal(path)
    refusal(path, CheckpointLoader.load_checkpoint)  # set after the import

    with pytest.warns(UserWarning, match='TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'):
        keep_loading_safe()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path)
    assert not marker.exists()


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    monkeypatch.setenv('no_proxy', '*')
    # A URL of a local file goes through the same code as one of a server.
    schemes = CheckpointLoader._schemes
    monkeypatch.setattr(CheckpointLoader, '_schemes', schemes.copy())
    CheckpointLoader.register_scheme('file://', schemes['https://'])
    return CheckpointLoader.load_checkpoint


def test_a_download_that_would_run_code_is_refused(tmp_path, downloads):
    marker = tmp_path / 'code_was_run'
    path = save(tmp_path / 'hostile.pth', hostile(marker)['at the top'])
    assert 'more than weights' in refusal(path.as_uri(), downloads)
    assert not marker.exists()


def test_a_download_of_weights_is_read(tmp_path, downloads):
    path = save(tmp_path / 'weights.pth', {'state_dict': {'w': torch.ones(2)}})
    assert downloads(path.as_uri())['state_dict']['w'].sum() == 2


def test_a_download_without_a_network(downloads):
    assert 'give the path of the file' in refusal('http://127.0.0.1:9/a.pth', downloads)


NUMPY_VALUES = [
    np.float64(0.25),
    np.float32(0.1),
    np.int64(-7),
    np.bool_(True),
    np.arange(6, dtype=np.int32).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
    np.array([], dtype=np.uint8),
]


@pytest.mark.parametrize('value', NUMPY_VALUES, ids=repr)
def test_numpy_numbers(tmp_path, value):
    path = save(tmp_path / 'a.pth', {'value': value})
    loaded = load_checkpoint_file(path)['value']
    assert type(loaded) is type(value) and loaded.dtype == value.dtype
    assert np.array_equal(loaded, value)


def test_numpy_objects_are_refused(tmp_path):
    # With forged flags of their dtype, raw bytes would become pointers.
    path = save(tmp_path / 'a.pth', {'value': np.array([1, 2], dtype=object)})
    assert 'more than weights' in refusal(path)


def test_an_array_is_not_built_from_pointers(tmp_path):
    # As 'array of pointers' above, by the other opcode that builds objects.
    path = save(tmp_path / 'a.pth', {})
    arguments = pickle.dumps(((1,), 'O', bytearray(b'pointers')), protocol=2)[2:-1]
    _write_pickle(path, b'\x80\x02cnumpy\nndarray\n' + arguments + b'\x81.')
    assert str(path) in refusal(path)


def test_files_of_numpy_1_name_its_functions_differently(tmp_path):
    path = save(tmp_path / 'a.pth', {'value': np.arange(3.0)})
    old_name, new_name = b'numpy.core.multiarray', b'numpy._core.multiarray'
    written = pickle.dumps({'value': np.arange(3.0)}, protocol=2)
    other = old_name if new_name in written else new_name
    used = new_name if new_name in written else old_name
    _rewrite_pickle(path, used, other)
    assert load_checkpoint_file(path)['value'].tolist() == [0.0, 1.0, 2.0]


def _rewrite_pickle(path, old, new):
    pickled = torch.PyTorchFileReader(str(path)).get_record('data.pkl')
    assert old in pickled
    _write_pickle(path, pickled.replace(old, new))


def _write_pickle(path, pickled):
    writer = torch.PyTorchFileWriter(str(path))
    writer.write_record('data.pkl', pickled, len(pickled))
    writer.write_record('byteorder', b'little', len(b'little'))
    writer.write_end_of_file()


class Tiny(BaseModel):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)

    def forward(self, inputs, mode):
        return {'loss': self.fc(torch.stack(inputs)).square().mean()}


class Points:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {'inputs': torch.full((2,), float(index))}


@pytest.fixture
def registered():
    MODELS.register_module(module=Tiny)
    DATASETS.register_module(module=Points)
    yield
    del MODELS.module_dict['Tiny'], DATASETS.module_dict['Points']


def train(work_dir, max_epochs, resume):
    runner = Runner.from_cfg(
        Config(
            {
                'model': {'type': 'Tiny'},
                'work_dir': str(work_dir),
                'train_dataloader': {
                    'batch_size': 2,
                    'dataset': {'type': 'Points'},
                    'sampler': {'type': 'DefaultSampler', 'shuffle': False},
                },
                'train_cfg': {'by_epoch': True, 'max_epochs': max_epochs},
                'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.01}},
                'resume': resume,
                'log_level': 'ERROR',
                'experiment_name': f'{work_dir.name}_{max_epochs}',
            }
        )
    )
    runner.message_hub.update_info('best', np.float64(0.5))
    runner.message_hub.update_info('counts', np.array([1, 2]))
    runner.train()
    return runner


def test_what_a_runner_saves_is_read_and_resumed(tmp_path, registered):
    losses = train(tmp_path, 1, resume=False).message_hub.get_scalar('train/loss')
    checkpoint = load_checkpoint_file(tmp_path / 'epoch_1.pth')

    hub = checkpoint['message_hub']
    loaded = hub['log_scalars']['train/loss']
    assert isinstance(loaded, HistoryBuffer)
    assert loaded.data[0].tolist() == losses.data[0].tolist()
    assert loaded.statistics('mean') == losses.mean()
    assert hub['runtime_info']['best'] == 0.5
    assert hub['runtime_info']['counts'].tolist() == [1, 2]
    assert checkpoint['meta']['epoch'] == 1

    resumed = train(tmp_path, 2, resume=True)
    assert (resumed.epoch, resumed.iter) == (2, 4)
    history = resumed.message_hub.get_scalar('train/loss').data[0]
    assert history[:2].tolist() == losses.data[0].tolist()


def test_no_config_from_a_checkpoint_is_run(tmp_path, registered, downloads):
    train(tmp_path, 1, resume=False)
    path, marker = tmp_path / 'epoch_1.pth', tmp_path / 'code_was_run'
    checkpoint = load_checkpoint_file(path)
    checkpoint['meta']['config'] = f'open({str(marker)!r}, "w")'
    torch.save(checkpoint, path)

    train(tmp_path, 2, resume=True)

    assert not marker.exists()
    assert 'config' not in downloads(path.as_uri())['meta']


@pytest.mark.parametrize('zipped', [True, False])
def test_flags_beside_the_weights(tmp_path, zipped):
    flags = argparse.Namespace(
        lr=0.1, milestones=[30, (60, None)], device=torch.device('cpu'),
        names={'a': {'b'}}, model=argparse.Namespace(depth=20),
    )  # fmt: skip
    content = {'state_dict': {'w': torch.ones(2)}, 'args': flags}
    kwargs = dict(_use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint_file(save(tmp_path / 'a.pth', content, **kwargs))
    assert vars(loaded['args']) == vars(flags) and loaded['args'] == flags
    # What is written again is an ordinary Namespace, for other programs too.
    save(tmp_path / 'b.pth', loaded, **kwargs)
    again = torch.load(tmp_path / 'b.pth', weights_only=False)['args']
    assert type(again) is argparse.Namespace and again == flags
    assert load_checkpoint_file(tmp_path / 'b.pth')['args'] == flags
