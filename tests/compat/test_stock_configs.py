"""The distillation configs for classifiers that MMRazor ships, trained for real."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from stock import shrink, stock_configs, write_images

METHODS = {
    *('abloss', 'byot', 'crd', 'deit', 'dist', 'dkd', 'factor_transfer', 'fitnets'),
    *('kd', 'ofd', 'rkd', 'wsld'),
}


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    write_images(folder)
    return folder


def test_every_method_is_found():
    assert {path.parent.name for path in stock_configs()} == METHODS


# Networks that take ten seconds and more at any size; their methods are there twice.
LARGE = {
    'factor-transfer_backbone_resnet50_resnet18_8xb16_cifar10_pretrain',
    'deit-base_regnety160_pt-16xb64_in1k',
}
STOCK = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LARGE))
    for path in stock_configs()
]


@pytest.mark.parametrize('path', STOCK)
def test_stock_config_trains_and_validates(path, images, tmp_path):
    cfg = shrink(Config.fromfile(path), images, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    before = snapshot(runner.model)

    runner.train()

    scalars = runner.message_hub.log_scalars
    for loss in cfg.model.distiller.loss_forward_mappings:
        values, _ = scalars[f'train/distill.{loss}'].data
        assert len(values) == 2 and np.isfinite(values).all()
    for name in metrics_of(cfg.val_cfg.type):
        assert 0 <= scalars[f'val/{name}'].current() <= 100
    after = snapshot(runner.model)
    moved = {part for part in before if not np.array_equal(before[part], after[part])}
    assert moved == expected_to_move(cfg.model, before)


def metrics_of(loop):
    return {
        'mmrazor.SelfDistillValLoop': ['student.accuracy/top1'],
        'mmrazor.SingleTeacherDistillValLoop': [
            'accuracy/top1',
            'teacher.accuracy/top1',
        ],
    }[loop]


def snapshot(model):
    """The sum of every parameter, for each part of an algorithm."""
    parts = {}
    for part in ('architecture', 'teacher', 'distiller'):
        if hasattr(model, part):
            sums = [p.detach().sum().item() for p in getattr(model, part).parameters()]
            parts[part] = np.array(sums)
    return parts


def expected_to_move(model, parts):
    moving = {'architecture'} if model.get('student_trainable', True) else set()
    if len(parts['distiller']):  # some distillers have nothing to train
        moving.add('distiller')
    return moving


def test_stock_config_as_a_base(images, tmp_path):
    """A config of one's own inherits through MMRazor's package path."""
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = ['mmrazor::distill/mmcls/kd/"
        "kd_logits_resnet34_resnet18_8xb32_in1k.py']\n"
    )
    cfg = shrink(Config.fromfile(child), images, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.val()
    for name in metrics_of(cfg.val_cfg.type):
        assert 0 <= runner.message_hub.get_scalar(f'val/{name}').current() <= 100
