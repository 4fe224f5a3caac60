"""Each pair of the paper takes one optimizer step under each method."""

from pathlib import Path

import pytest
import torch
from combinations import CIFAR, CONFIGS, IMAGENET, LOGIT_METHODS, write_config
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample

from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

BATCH = 8
FOUR_STAGES = {'r50_mnv2', 'r50_vgg8', 'vgg13_vgg8', 'vgg13_mnv2'}
ONE_LOSS = ('kd', 'pkt', 'sp', 'cc', 'crd', 'dkd', 'reviewkd', 'hsakd')
WITH_EXTRAS = ('cc', 'vid', 'crd', 'reviewkd')


# HSA-KD's heads are as many networks again; three pairs stay.
LARGE = ('r50_', 'r32x4_', 'vgg13_')
COMBINATIONS = [
    pytest.param(
        pair,
        method,
        marks=[pytest.mark.slow] * (method == 'hsakd' and pair.startswith(LARGE)),
    )
    for pair, method in CIFAR
]


@pytest.mark.parametrize(('pair', 'method'), COMBINATIONS)
def test_cifar(pair: str, method: str, tmp_path: Path) -> None:
    cfg = Config.fromfile(write_config(tmp_path, pair, method))
    model, distilled = one_step(cfg, size=32)

    stages = 4 if pair in FOUR_STAGES else 3
    expected = {'at': stages, 'vid': stages, 'rkd': 2} | dict.fromkeys(ONE_LOSS, 1)
    assert len(distilled) == expected[method]
    assert bool(list(model.distiller.parameters())) == (method in WITH_EXTRAS)


# What they read is KD's and DKD's, so a pair of each depth stands for all.
@pytest.mark.parametrize('method', LOGIT_METHODS)
@pytest.mark.parametrize('pair', ['r56_r20', 'vgg13_mnv2'])
def test_past_the_paper(pair: str, method: str, tmp_path: Path) -> None:
    cfg = Config.fromfile(write_config(tmp_path, pair, method))
    model, distilled = one_step(cfg, size=32)
    assert len(distilled) == 1 and not list(model.distiller.parameters())


@pytest.mark.parametrize('file', IMAGENET)
def test_imagenet(file: str) -> None:
    cfg = Config.fromfile(CONFIGS / file)
    model, distilled = one_step(cfg, size=64)

    assert len(distilled) == 1
    extras = bool(list(model.distiller.parameters()))
    assert extras == ('reviewkd' in file or 'crd' in file)


def one_step(cfg: Config, size: int) -> tuple[torch.nn.Module, dict]:
    """Build, forward, backward and step; what must hold for any combination."""
    torch.manual_seed(0)
    cfg.model.teacher_ckpt = None
    cfg.model.data_preprocessor = cfg.data_preprocessor  # as the Runner does
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    num_classes = cfg.model.architecture.head.num_classes
    for module in model.modules():
        if isinstance(module, CRDContrastLoss):  # as CRDBankHook does
            module.prepare(torch.arange(4 * num_classes) % num_classes)
    before = {k: v.clone() for k, v in model.state_dict().items()}

    images = torch.randint(0, 256, (BATCH, 3, size, size), dtype=torch.uint8)
    samples = [
        DataSample(metainfo={'sample_idx': 3 * i}).set_gt_label(5 * i)
        for i in range(BATCH)
    ]
    data = model.data_preprocessor(dict(inputs=images, data_samples=samples), True)
    losses = model(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    optim.backward(total)

    distilled = {name: loss for name, loss in losses.items() if 'distill.' in name}
    assert all(loss.isfinite().all() for loss in losses.values()), losses
    assert all(loss > 0 for loss in distilled.values()), losses
    stepped = {id(p) for group in optim.param_groups for p in group['params']}
    for name, parameter in model.distiller.named_parameters():
        assert parameter.grad.any(), name  # a trained extra
        assert id(parameter) in stepped, name
    for name, parameter in model.architecture.named_parameters():
        assert parameter.grad.isfinite().all(), name
    assert all(p.grad is None for p in model.teacher.parameters())

    optim.step()
    after = model.state_dict()
    for name in before:
        if name.startswith('teacher.'):
            assert after[name].equal(before[name]), name
    for name in ('architecture.head.fc.weight', *first_convolution(before)):
        assert not after[name].equal(before[name]), name
    return model, distilled


def first_convolution(state: dict) -> list[str]:
    return [k for k in state if k.startswith('architecture.backbone.')][:1]
