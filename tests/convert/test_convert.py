"""Recognising a naming, and what is kept of a checkpoint."""

import hashlib
import itertools
from argparse import Namespace

import pytest
import torch
from golden_runners_zoo import KEYS, build, build_hsakd
from mmengine.hub import get_config
from mmengine.registry import MODELS, DefaultScope
from torchvision_networks import random_network, randomised

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


def test_model_that_refuses_without_a_word(tmp_path, monkeypatch):
    def forward(*args):
        raise AssertionError

    path = str(tmp_path / 'resnet18.pth')
    torch.save(random_network('resnet18').state_dict(), path)
    backbone = dict(type='mmpretrain.LeNet5')
    model = MODELS.build(dict(type='mmpretrain.ImageClassifier', backbone=backbone))
    monkeypatch.setattr(model.backbone, 'forward', forward)
    with pytest.raises(UserError, match=r'224 pixels \(AssertionError\); name'):
        convert(path, model.eval())


@pytest.fixture
def thousand(tmp_path):
    """A ResNet-18 of torchvision's, and the model of three of its classes."""
    network = random_network('resnet18', num_classes=1000)
    torch.save(network.state_dict(), tmp_path / 'resnet18.pth')
    model = get_config('mmpretrain::resnet/resnet18_8xb32_in1k.py').model
    model.head.num_classes = 3
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return str(tmp_path / 'resnet18.pth'), MODELS.build(model).eval(), network


def test_rows_of_some_classes(thousand, tmp_path):
    path, model, network = thousand
    for name in ('n02102040', 'n01440764', 'n03888257'):
        (tmp_path / 'train' / name).mkdir(parents=True)
    conversion = convert(path, model, classes=str(tmp_path / 'train'))
    assert conversion.fault() is None
    assert conversion.difference < 1e-5 and conversion.compared_with
    images = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        expected = network(images)[:, [0, 217, 701]]
        torch.testing.assert_close(model(images), expected)
    assert conversion.meta['source']['classes'] == [0, 217, 701]


def test_rows_of_other_than_the_classifier(thousand):
    path, model, _ = thousand
    with pytest.raises(
        UserError, match='names 2 of 1000 classes, the model has 3; set '
    ):
        convert(path, model, classes='0,1')
    torch.save(random_network('resnet18', 3).state_dict(), path)
    with pytest.raises(UserError, match='the model has all of the file; leave it out'):
        convert(path, model, classes='0,1,2')
    torch.save(random_network('resnet34', 1000).state_dict(), path)
    fault = convert(path, model, classes='0,1,2').fault()  # the command adds a remedy
    assert fault.startswith('keys without a place in the model: ')


def test_rows_of_another_layer_are_no_classes(model, tmp_path):
    path = str(tmp_path / 'epoch_3.pth')
    state = {**model.state_dict(), 'backbone.conv1.weight': torch.ones(20, 3, 3, 3)}
    assert model.state_dict()['backbone.conv1.weight'].shape[1:] == (3, 3, 3)
    torch.save({'state_dict': state}, path)
    assert convert(path, model).fault() == (
        'keys without a place in the model: 1 (backbone.conv1.weight)'
    )


def test_names_of_the_classes_come_along(model, tmp_path):
    path = str(tmp_path / 'epoch_3.pth')
    meta = {'dataset_meta': {'classes': tuple(f'class {i}' for i in range(100))}}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    small = build('resnet8', num_classes=2)
    conversion = convert(path, small.eval(), classes='class_70, class 7')
    assert conversion.meta['dataset_meta'] == {'classes': ('class 70', 'class 7')}
    assert small.head.fc.bias.equal(model.head.fc.bias[[70, 7]])


def test_network_with_an_attribute_named_module(tmp_path):
    network = torch.nn.ModuleDict({'module': torch.nn.Linear(2, 3)})
    path = str(tmp_path / 'own.pth')
    torch.save({'state_dict': network.state_dict()}, path)
    conversion = convert(path, network, 'mmpretrain')
    assert conversion.fault() is None
    assert conversion.taken == 'state_dict'


def test_what_was_taken(model, tmp_path):
    path = str(tmp_path / 'file.pth')
    ours = {f'net.{name}': value for name, value in model.state_dict().items()}
    ours = {name.replace('head.fc', 'last'): value for name, value in ours.items()}
    both = {'model_state_dict': ours, 'state_dict_ema': ours, 'meta': Namespace(lr=1)}
    torch.save(both, path)
    renames = ['net.last=net.head.fc']
    conversion = convert(path, build('resnet8').eval(), renames=renames)
    assert conversion.fault() is None
    assert conversion.taken == (
        'model_state_dict, without net.; also there, for --take: state_dict_ema'
    )
    conversion = convert(path, model, renames=renames, take='state_dict_ema')
    assert conversion.taken.startswith('state_dict_ema')


@pytest.mark.parametrize('hidden', [None, [32, 32]])
def test_layers_as_they_are_listed(tmp_path, hidden):
    """Kuangliu's VGG-11, and chenyaofo's with three linear layers."""
    layers, channels = [], 3
    for i, num in enumerate((1, 1, 2, 2, 2)):
        for _ in range(num):
            width = 64 * 2 ** min(i, 3)
            layers += [torch.nn.Conv2d(channels, width, 3, padding=1)]
            layers += [torch.nn.BatchNorm2d(width), torch.nn.ReLU()]
            channels = width
        layers.append(torch.nn.MaxPool2d(2))
    widths = [512, *(hidden or []), 10]
    linear = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    classifier = [part for layer in linear for part in (layer, torch.nn.ReLU())][:-1]
    theirs = randomised(
        torch.nn.ModuleDict(
            dict(
                features=torch.nn.Sequential(*layers),
                classifier=torch.nn.Sequential(*classifier),
            )
        )
    )
    path = str(tmp_path / 'vgg11.pth')
    torch.save(theirs.state_dict(), path)
    head = dict(type='LinearClsHead', num_classes=10, in_channels=512)
    if hidden:
        head.update(type='StackedLinearClsHead', mid_channels=hidden)
    model = dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='VGG', depth=11, norm_cfg=dict(type='BN')),
        neck=dict(type='GlobalAveragePooling'),
        head=head,
    )
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(model).eval()
    assert convert(path, model).fault() is not None  # never by itself
    conversion = convert(path, model, 'order')
    assert conversion.fault() is None
    assert conversion.not_compared == 'the layers were paired as they are listed'
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        expected = theirs['classifier'](theirs['features'](images).flatten(1))
        torch.testing.assert_close(model(images), expected)
    torch.save(random_network('resnet18').state_dict(), path)
    assert convert(path, model, 'order').fault() is not None
