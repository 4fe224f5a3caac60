"""Every layout that mmpretrain's ImageNet takes passes, up to a training step."""

import pytest
from layouts import LAYOUTS, write_layout
from mmengine.config import ConfigDict
from mmpretrain.registry import DATASETS

from mcmi_plugin.checks.data import LOADERS, check_data
from mcmi_plugin.commands import train
from mcmi_plugin.job_config import job_config

TINY = """
_base_ = ['{project}/configs/_base_/imagenet.py']
model = dict(
    _scope_='mmpretrain', type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=4, in_channels=32,
              loss=dict(type='CrossEntropyLoss')))
val_cfg = dict(_delete_=True)
val_evaluator = test_evaluator = dict(topk=1)
small = dict(batch_size=9, num_workers=0)
train_dataloader = val_dataloader = test_dataloader = small
train_cfg = dict(max_epochs=1)
"""
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(32, 32)),
    dict(type='PackInputs'),
]


@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_step_of_training(layout, tmp_path, project):
    flat, arguments = LAYOUTS[layout]
    root = tmp_path / 'imagenet'
    write_layout(root, flat)
    config = tmp_path / 'tiny.py'
    config.write_text(TINY.replace('{project}', str(project)))
    cfg = job_config(str(config), {}, str(tmp_path / 'run'))
    for split, number in dict(train=9, val=5).items():
        given = arguments(str(root), split)
        dataset = ConfigDict(type='ImageNet', pipeline=PIPELINE, **given)
        assert len(DATASETS.build(dataset)) == number  # mmpretrain itself takes it
        cfg[f'{split}_dataloader'].dataset = dataset
    # mmengine names it by the second, in which several of these may begin.
    cfg.experiment_name = tmp_path.name
    runner = train(cfg)
    assert runner.iter == 1
    assert 'val/accuracy/top1' in runner.message_hub.log_scalars


@pytest.mark.parametrize('flat', [(), ('val',), ('train', 'val')])
def test_the_recipe_takes_the_authors_layout(flat, tmp_path, project):
    write_layout(tmp_path / 'imagenet', flat)
    options = {
        f'{loader}.dataset.{key}': value
        for loader in LOADERS
        for key, value in dict(
            data_root=str(tmp_path / 'imagenet'),
            classes=f'{tmp_path}/imagenet/names.txt',
        ).items()
    }
    recipe = str(project / 'configs/mcmi/r34_r18_imagenet.py')
    check_data(job_config(recipe, options))
