"""The data that a teacher is trained and measured on."""

import pytest
from mmengine.config import Config

from mcmi_plugin.datasets.configs import measuring_loader, plain_dataset
from mcmi_plugin.errors import UserError


@pytest.fixture
def imagenet(project):
    return Config.fromfile(project / 'configs/mcmi/r34_r18_imagenet.py')


def test_wrapped_data_sets_keep_their_wrapper(imagenet):
    inner = imagenet.train_dataloader.dataset
    for wrapped in (
        dict(type='RepeatDataset', times=2, dataset=inner),
        dict(type='ConcatDataset', datasets=[inner, inner]),
    ):
        imagenet.train_dataloader.dataset = wrapped
        loader = measuring_loader(imagenet, 'train')
        plain = imagenet.val_dataloader.dataset.pipeline
        assert loader.dataset.type == wrapped['type']
        first = loader.dataset.get('dataset') or loader.dataset.datasets[1]
        assert first.pipeline == plain


def test_a_plain_data_set_of_torch_is_measured_as_it_is(imagenet):
    """It may take no pipeline at all."""
    for loader in (imagenet.train_dataloader, imagenet.val_dataloader):
        loader.dataset = dict(type='mine.Plain', root='data')
    for split in ('train', 'val'):
        assert measuring_loader(imagenet, split).dataset == loader.dataset


def test_without_an_unaugmented_pipeline_there_is_no_measuring(imagenet):
    imagenet.val_dataloader = imagenet.test_dataloader = None
    with pytest.raises(UserError, match='val_dataloader'):
        measuring_loader(imagenet, 'train')


def test_all_is_measured_whatever_a_loader_cuts_off(imagenet):
    imagenet.val_dataloader.update(num_batch_per_epoch=4, drop_last=True)
    for split in ('train', 'val'):
        loader = measuring_loader(imagenet, split)
        assert 'num_batch_per_epoch' not in loader and not loader.drop_last


def test_a_contrastive_wrapper_is_taken_off_around_and_within_others():
    inner = dict(type='CIFAR10', pipeline=[dict(type='PackCRDClsInputs')])
    expected = dict(
        type='KeepClasses',
        classes=[0, 1],
        dataset=dict(
            type='CIFAR10', pipeline=[dict(type='PackInputs', _scope_='mmpretrain')]
        ),
    )
    around = dict(
        type='CRDDataset',
        dataset=dict(type='KeepClasses', classes=[0, 1], dataset=inner),
    )
    within = dict(
        type='KeepClasses',
        classes=[0, 1],
        dataset=dict(type='mmrazor.CRDDataset', dataset=inner, neg_num=3),
    )
    for wrapped in (around, within):
        assert plain_dataset(Config(dict(data=wrapped)).data) == expected


def test_the_pipeline_is_that_of_the_innermost_data_set(imagenet):
    inner = imagenet.train_dataloader.dataset
    imagenet.train_dataloader.dataset = dict(
        type='ClassFraction',
        fraction=0.1,
        dataset=dict(type='KeepClasses', classes=[0], dataset=inner),
    )
    dataset = measuring_loader(imagenet, 'train').dataset
    assert (dataset.type, dataset.dataset.type) == ('ClassFraction', 'KeepClasses')
    assert 'pipeline' not in dataset and 'pipeline' not in dataset.dataset
    plain = imagenet.val_dataloader.dataset.pipeline
    assert dataset.dataset.dataset.pipeline == plain
