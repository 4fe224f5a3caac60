"""``data_fraction``: the same job on a part of every class, to try it."""

import copy

import numpy as np
import pytest
import torch
from conftest import QUICKSTART
from imagenet_folder import write_folder
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from mcmi_plugin.checks.data import check_data
from mcmi_plugin.datasets.part import take_part
from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.names import _parts
from mcmi_plugin.job_config import job_config

DIGITS = dict(type='Digits', split='train', pipeline=[])


def counts(dataset: dict) -> list[int]:
    return np.bincount(DATASETS.build(dataset).get_gt_labels()).tolist()


def config(dataset: dict, **more) -> Config:
    loader = dict(dataset=dataset)
    cfg = dict(train_dataloader=loader, val_dataloader=loader, test_dataloader=None)
    return Config(dict(cfg, **more))


WRAPPERS = {
    'none': lambda inner: inner,
    'ours': lambda inner: dict(type='HoldOut', fraction=0.1, dataset=inner),
    'mmengine': lambda inner: dict(type='RepeatDataset', times=2, dataset=inner),
    'by class': lambda inner: dict(
        type='ClassBalancedDataset', oversample_thr=0.01, dataset=inner
    ),
    'folds': lambda inner: dict(type='KFoldDataset', num_splits=5, dataset=inner),
    'several': lambda inner: dict(type='ConcatDataset', datasets=[inner, inner]),
    'MMRazor': lambda inner: dict(
        _scope_='mmrazor',
        type='CRDDataset',
        neg_num=1,
        percent=1.0,
        num_classes=10,
        dataset=inner,
    ),
}


@pytest.mark.parametrize('name', WRAPPERS)
def test_a_fraction_of_every_data_set_whatever_it_wears(name):
    wrapped = WRAPPERS[name]
    own = dict(mcmi=dict(dataset=wrapped(DIGITS)))
    cfg = config(wrapped(DIGITS), data_fraction=0.1, **own)
    take_part(cfg)
    part = dict(type='ClassFraction', fraction=0.1, dataset=DIGITS)
    expected = len(DATASETS.build(wrapped(part)))
    assert expected < 250
    for dataset in (
        cfg.train_dataloader.dataset,
        cfg.val_dataloader.dataset,
        cfg.mcmi.dataset,
    ):
        assert len(DATASETS.build(dataset)) == expected
    before = cfg.to_dict()
    take_part(cfg)  # as when the config of a run is read again
    assert cfg.to_dict() == before


def test_folders_in_order_give_a_part_of_every_class(tmp_path):
    write_folder(tmp_path)
    folder = dict(
        type='mmpretrain.CustomDataset', data_root=str(tmp_path), data_prefix='train'
    )
    cfg = config(folder, data_fraction=0.5)
    take_part(cfg)
    assert all(counts(cfg.train_dataloader.dataset))


def test_without_it_nothing_changes_and_every_command_knows_it(tmp_path):
    def sizes(**options):
        cfg = job_config(str(QUICKSTART), options, str(tmp_path))
        return [
            len(DATASETS.build(cfg[f'{split}_dataloader'].dataset))
            for split in ('train', 'val', 'test')
        ]

    assert sizes() == [1000, 797, 797]
    assert all(0 < part < 60 for part in sizes(data_fraction=0.05))
    for value in (0, 2, 'half'):
        with pytest.raises(UserError, match='^data_fraction=.* at most 1'):
            sizes(data_fraction=value)


class NotOfMmengine:
    def __len__(self):
        return 3


def test_a_data_set_of_another_kind_is_one_line():
    from mcmi_plugin.datasets import ClassFraction

    with pytest.raises(UserError, match='NotOfMmengine has no pipeline'):
        ClassFraction(NotOfMmengine(), 0.5)


def test_the_real_command_tries_all_stages(command):
    done = command(
        'train.py',
        QUICKSTART,
        '--cfg-options',
        'data_fraction=0.05',
        'fast=True',
        'mcmi.mll_epochs=1',
        'mcmi.epochs=1',
        'mcmi.control=False',
        'train_cfg.max_epochs=1',
    )
    assert 'teacher, MCMI' in done.stdout
    (teacher,) = done.cwd.glob('work_dirs/mcmi_teachers/*-mcmi-*/teacher.pth')
    recipe = torch.load(teacher, weights_only=True)['meta']['mcmi']['recipe']
    assert recipe['num_samples'] == 50 and recipe['data']['type'] == 'ClassFraction'


def test_what_is_wrong_is_named_by_the_users_own_keys(tmp_path):
    """The wrapper that was put around has no place in the config."""
    cfg = Config.fromfile(QUICKSTART)
    missing = dict(type='mmpretrain.CustomDataset', data_root=str(tmp_path / 'none'))
    for inner, key in (
        (missing, 'train_dataloader.dataset'),
        (dict(type='RepeatDataset', times=1, dataset=missing), 'dataset.dataset'),
    ):
        cfg.train_dataloader.dataset = inner
        cfg.data_fraction = 0.5
        take_part(cfg)
        with pytest.raises(UserError, match=f'{key}: no .*--cfg-options .*{key}.data'):
            check_data(copy.deepcopy(cfg), ['train_dataloader'])
    wrapped = cfg.train_dataloader.dataset.dataset
    paths = [path for path, part in _parts(cfg) if part == wrapped.dataset]
    assert paths == ['train_dataloader.dataset.dataset']
