"""A distiller on mmpretrain's own data set bases."""

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS
from mmpretrain.models import ClsDataPreprocessor
from mmrazor.models.algorithms import BaseAlgorithm

NETWORK = dict(
    _scope_='mmpretrain',
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=32,
        loss=dict(type='CrossEntropyLoss'),
    ),
)


@pytest.mark.parametrize('base', ['cifar10_bs16', 'imagenet_bs32', 'cub_bs8_384'])
def test_the_bases_as_they_are(base, tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f"_base_ = ['mmpretrain::_base_/datasets/{base}.py']\n")
    given = Config.fromfile(path).data_preprocessor
    assert 'type' not in given
    distiller = dict(
        _scope_='mmrazor',
        type='SingleTeacherDistill',
        architecture=NETWORK,
        teacher=NETWORK,
        distiller=dict(type='ConfigurableDistiller'),
        data_preprocessor=given,
    )
    built = MODELS.build(Config(distiller)._cfg_dict).data_preprocessor
    assert type(built) is ClsDataPreprocessor
    assert built.mean.flatten().tolist() == pytest.approx(given.mean)
    assert built.num_classes == given.num_classes


def test_one_with_a_type_or_none_stays(tmp_path):
    network = MODELS.build(NETWORK)
    own = BaseAlgorithm(network).data_preprocessor
    assert own is network.data_preprocessor
    given = dict(type='mmengine.ImgDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3)
    assert type(BaseAlgorithm(network, given).data_preprocessor).__name__ == (
        'ImgDataPreprocessor'
    )
