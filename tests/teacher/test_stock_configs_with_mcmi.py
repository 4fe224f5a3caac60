"""Every distillation config that MMRazor ships, with our teacher base beside it."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from PIL import Image
from stock import shrink, stock_configs

from mcmi_plugin.job_config import add_teacher_hook, settle_teacher_source
from mcmi_plugin.teacher.model import num_classes_of, teacher_model

# A sample of each of 1000 classes takes minutes.
QUICK = ('crd_neck_r50_r18_8xb16_cifar10',)
CONFIGS = [
    pytest.param(
        path, id=path.stem, marks=[pytest.mark.slow] * (path.stem not in QUICK)
    )
    for path in stock_configs()
]


def size_of(path):
    # Pixels; small, for the sake of time. BYOT pools the last stage by 4.
    return 32 if path.parent.name == 'byot' else 16


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A few pictures and lists that give every one of 1000 classes a sample."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for index in range(8):
        pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f'{index}.jpg')
    for classes in (10, 1000):
        lines = [f'{label % 8}.jpg {label}' for label in range(classes)]
        (folder / f'{classes}.txt').write_text('\n'.join(lines))
    return folder


@pytest.mark.parametrize('path', CONFIGS)
def test_stock_config_trains_with_an_mcmi_teacher(path, images, tmp_path, project):
    child = tmp_path / 'child.py'
    ours = project / 'configs/_base_/mcmi_teacher.py'
    child.write_text(f'_base_ = [{str(path)!r}, {str(ours)!r}]\n')
    cfg = Config.fromfile(child)
    settle_teacher_source(cfg)
    shrink(cfg, images, tmp_path / 'run')
    has_teacher = 'teacher' in cfg.model
    classes = 10
    if has_teacher:
        classes = num_classes_of(teacher_model(cfg))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        use(loader, images, classes, size_of(path))
    if cfg.model.architecture.get('backbone', {}).get('img_size'):
        cfg.model.architecture.backbone.img_size = size_of(path)
    if has_teacher:
        base = MODELS.build(teacher_model(cfg))
        base.init_weights()
        torch.save({'state_dict': base.state_dict()}, tmp_path / 'base.pth')
        cfg.model.teacher_ckpt = str(tmp_path / 'base.pth')
    cfg.mcmi.update(epochs=1, teacher_dir=str(tmp_path / 'teachers'))
    add_teacher_hook(cfg)

    runner = Runner.from_cfg(cfg)
    runner.train()

    losses = runner.message_hub.log_scalars['train/loss'].data[0]
    assert len(losses) > 0 and np.isfinite(losses).all()
    made = list((tmp_path / 'teachers').glob('*/teacher.pth'))
    assert len(made) == has_teacher
    if has_teacher:
        kept = torch.load(made[0], weights_only=True)['state_dict']
        held = runner.model.teacher.state_dict()
        floats = [name for name in kept if kept[name].is_floating_point()]
        assert all(torch.equal(kept[name], held[name]) for name in kept)
        assert any(not torch.equal(kept[n], base.state_dict()[n]) for n in floats)
    if 'OFD' in cfg.model.distiller.type:
        # Its margins come from the teacher's batch norm: the MCMI teacher's.
        connectors = runner.model.distiller.connectors
        margins = {n: c.margin.clone() for n, c in connectors.items() if 'tfeat' in n}
        runner.model.distiller.init_ofd_connectors(runner.model.teacher)
        assert all(torch.equal(connectors[n].margin, margins[n]) for n in margins)


def use(loader, images, classes, size):
    """Read the pictures through the config's own pipeline, at another size."""
    dataset = loader.dataset
    dataset = dataset.get('dataset', dataset)
    for step in dataset.pipeline:
        for key in {'scale', 'crop_size'} & step.keys():
            step[key] = size
    dataset.update(data_prefix='', data_root=str(images), ann_file=f'{classes}.txt')
    loader.update(batch_size=5 if classes == 10 else 250)
