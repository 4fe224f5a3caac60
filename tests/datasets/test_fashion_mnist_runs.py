"""A grey data set through the whole job, in little."""

import pytest
from conftest import QUICKSTART
from test_mnist import write

from mcmi_plugin.commands import train
from mcmi_plugin.errors import UserError
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job_config import job_config

TEXT = """
_base_ = [{quickstart!r}]
data = dict(_delete_=True, type='FashionMNIST', data_root={data!r},
    pipeline=[dict(type='PackInputs')])
train_dataloader = dict(batch_size=4, dataset=dict(split='train', **data))
val_dataloader = dict(dataset=dict(split='test', **data))
del data
data_preprocessor = dict(mean=[72.9], std=[90.0])
network = dict(
    backbone=dict(
        type='CIFARResNet', depth=8, stem_channels=4, base_channels=4, in_channels=1),
    head=dict(in_channels=16))
model = dict(teacher=network, architecture=network)
del network
mcmi = dict(epochs=1, mll_epochs=1, control=False)
train_cfg = dict(max_epochs=1)
param_scheduler = dict(T_max=1)
"""


@pytest.fixture
def config(tmp_path):
    write(tmp_path / 'data')
    path = tmp_path / 'grey.py'
    data = str(tmp_path / 'data')
    path.write_text(TEXT.format(quickstart=str(QUICKSTART), data=data))
    return lambda **options: job_config(str(path), options, str(tmp_path / 'run'))


@pytest.mark.parametrize('fast', [False, True])
def test_all_stages(fast, config):
    with isolated():
        runner = train(config(fast=fast))
    weight = runner.model.student.backbone.conv1.weight
    assert weight.shape[1] == 1 and bool(weight.isfinite().all())


def test_images_of_other_channels_are_one_line(config):
    keys = ('teacher', 'architecture')
    three = {f'model.{key}.backbone.in_channels': 3 for key in keys}
    with isolated(), pytest.raises(UserError, match='have 1 channels .* takes 3;'):
        train(config(**three))
