"""Recognising a naming, and what is kept of a checkpoint."""

import hashlib

import pytest
import torch
from golden_runners_zoo import KEYS, build, build_hsakd
from mmengine.registry import MODELS
from torchvision_networks import random_network

from mcmi_plugin.convert.convert import convert, recognise
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


def test_model_that_takes_no_image_of_this_size(tmp_path):
    path = str(tmp_path / 'resnet18.pth')
    torch.save(random_network('resnet18').state_dict(), path)
    backbone = dict(type='mmpretrain.LeNet5')  # for 32 x 32 and grey
    model = MODELS.build(dict(type='mmpretrain.ImageClassifier', backbone=backbone))
    with pytest.raises(UserError, match=r'resnet18\.pth: .*224 pixels'):
        convert(path, model.eval())
