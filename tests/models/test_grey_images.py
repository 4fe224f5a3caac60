"""Networks of one channel, and the preprocessor that goes with them."""

from types import SimpleNamespace

import pytest
import torch
from golden_runners_zoo import CONFIGS
from mmengine.config import Config
from mmengine.registry import MODELS

from mcmi_plugin.checks.channels import check_channels, explain_channels
from mcmi_plugin.distill import compose
from mcmi_plugin.errors import UserError
from mcmi_plugin.isolation import isolated

# One of each class.
FAMILIES = ('resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2', 'ShuffleV1', 'ShuffleV2')


def grey(folder, name: str, called: str | None = None) -> str:
    path = folder / f'{called or name}.py'
    path.write_text(
        f"_base_ = 'mcmi_plugin::_base_/models/cifar/{name}.py'\n"
        'model = dict(backbone=dict(in_channels=1))\n'
    )
    return str(path)


def composed(teacher: str, student: str, method: str = 'kd', **pair) -> dict:
    method = Config.fromfile(CONFIGS.parents[1] / f'methods/{method}.py').method
    pair = dict(pair, teacher=teacher, student=student, teacher_ckpt=None)
    return compose(dict(pair, num_classes=10, reviewkd_weight=1.0), method)


@pytest.mark.parametrize('called', [None, 'a_name_of_ones_own'])
@pytest.mark.parametrize('name', FAMILIES)
def test_a_grey_network_is_built_and_composed_as_the_other(name, called, tmp_path):
    path = grey(tmp_path, name, called)
    model = MODELS.build(Config.fromfile(path).model).eval()
    assert model(torch.randn(2, 1, 32, 32)).shape == (2, 100)
    with pytest.raises(RuntimeError, match='to have 1 channels, but got 3'):
        model(torch.randn(2, 3, 32, 32))
    ours = composed(path, path, 'pkt')
    theirs = composed(*[str(CONFIGS / f'{name}.py')] * 2, 'pkt')
    assert ours['distiller'] == theirs['distiller']


def test_features_of_the_table_are_those_of_a_grey_network_too(tmp_path):
    path = grey(tmp_path, 'wrn_16_1')
    theirs = composed(*[str(CONFIGS / 'wrn_16_1.py')] * 2, 'reviewkd')
    ours = composed(path, path, 'reviewkd')['distiller']
    assert ours == theirs['distiller']


def distiller(teacher: str, student: str, means: int = 1, own: int | None = None):
    def normalise(number, mean=72.9):
        return dict(
            type='mmpretrain.ClsDataPreprocessor',
            mean=[mean] * number,
            std=[90.0] * number,
        )

    model = composed(teacher, student)
    model['data_preprocessor'] = normalise(means)
    if own:
        model['teacher']['data_preprocessor'] = normalise(own, 120.0)
    with isolated():
        return MODELS.build(Config(model)._cfg_dict)


def test_teacher_and_student_of_different_channels_are_one_line(tmp_path):
    one, three = grey(tmp_path, 'resnet8'), str(CONFIGS / 'resnet8.py')
    check_channels(distiller(one, one))
    check_channels(distiller(three, three))
    with pytest.raises(UserError) as error:
        check_channels(distiller(three, one))
    line = str(error.value)
    assert line.startswith('model.teacher takes images of 3 channels, model.archi')
    assert 'backbone.in_channels=1 of the teacher' in line and '\n' not in line
    with pytest.raises(UserError, match='teacher takes images of 1 channels'):
        check_channels(distiller(one, three))


def test_a_teacher_of_colours_sees_grey_images_by_three_means_of_its_own(tmp_path):
    model = distiller(str(CONFIGS / 'resnet8.py'), grey(tmp_path, 'resnet8'), own=3)
    check_channels(model)
    data = dict(inputs=torch.zeros(2, 1, 32, 32))
    images = model.data_preprocessor(data)['inputs']
    assert model.student(images).shape == model.teacher(images).shape == (2, 10)


def test_images_of_other_channels_are_one_line(tmp_path):
    model = MODELS.build(Config.fromfile(grey(tmp_path, 'resnet8')).model)
    with pytest.raises(RuntimeError) as refused:
        model(torch.randn(2, 3, 32, 32))
    with pytest.raises(UserError, match='have 3 channels .* the network takes 1;'):
        explain_channels(refused.value)
    with pytest.raises(RuntimeError) as refused:
        torch.nn.Conv2d(64, 8, 1)(torch.randn(2, 32, 8, 8))  # of features
    explain_channels(refused.value)


def test_a_network_whose_first_convolution_sees_no_image_is_taken():
    """TResNet's has 48 channels: blocks of 4 x 4 pixels of three colours."""
    blocks = torch.nn.Sequential(torch.nn.PixelUnshuffle(4), torch.nn.Conv2d(48, 8, 3))
    plain = torch.nn.Conv2d(3, 8, 3)
    images = torch.zeros(1, 3, 16, 16)
    assert blocks(images).shape[:2] == plain(images).shape[:2]
    check_channels(SimpleNamespace(student=plain, teacher=blocks))
