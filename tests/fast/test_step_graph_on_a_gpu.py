"""A recorded step on a GPU trains the same; without one these are skipped."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from small_runs import NO_VALIDATION, config, distillation, train

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')


def logged(runner) -> str:
    return ''.join(path.read_text() for path in Path(runner._log_dir).glob('*.log'))


OPTIMIZERS = dict(
    sgd=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4)),
    clipped=dict(
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9), clip_grad=dict(max_norm=0.1)
    ),
    adamw=dict(optimizer=dict(type='AdamW', lr=1e-3)),
    follows=dict(optimizer=dict(type='RMSprop', lr=1e-4)),
    bf16=dict(
        type='AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False),
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9),
    ),
    fp16=dict(
        type='AmpOptimWrapper', loss_scale='dynamic',
        optimizer=dict(type='SGD', lr=0.05, momentum=0.9),
    ),
)  # fmt: skip


@NEEDS_GPU
@pytest.mark.parametrize('name', OPTIMIZERS)
def test_on_a_gpu_the_weights_after_50_steps(name: str, tmp_path) -> None:
    """A ResNet-14's ResNet-8, ten epochs of five steps, the last of them smaller."""
    own = dict(OPTIMIZERS[name])
    changes = {
        'train_cfg.max_epochs': 10, 'model': dict(distillation(), _delete_=True),
        'optim_wrapper': dict(own, _delete_=True),
        'param_scheduler': [dict(type='PolyLR', begin=0, end=50, by_epoch=False)],
    }  # fmt: skip
    runners = []
    for graph in (True, False):
        changes['train_cfg.graph'] = graph
        cfg = config(tmp_path / str(graph), **NO_VALIDATION, log_level='INFO')
        cfg.pop('model'), cfg.pop('optim_wrapper')
        cfg.merge_from_dict(changes)
        torch.backends.cudnn.deterministic = True
        runners.append(train(cfg))
    graphed, usual = runners
    assert 'fast.graph: a step is one launch' in logged(graphed)
    start = MODELS.build(distillation()).state_dict()
    assert start.keys() == usual.model.state_dict().keys()
    coarse = name in ('bf16', 'fp16')
    for key, value in usual.model.state_dict().items():
        if value.is_floating_point() and value.numel() > 1:
            apart = (graphed.model.state_dict()[key] - value).norm()
            assert apart <= (0.1 if coarse else 0.02) * value.norm() + 1e-6, key
