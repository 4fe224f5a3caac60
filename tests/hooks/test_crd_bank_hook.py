"""CRD in a Runner: banks sized by the hook, kept over a resume, not in the student."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.datasets import BaseDataset

from mcmi_plugin.datasets.digits import Digits
from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.crd_bank_hook import CRDBankHook, _training_labels

NUM_SAMPLES = 24
PIPELINE = [{'type': 'PackInputs'}]


def classifier() -> dict:
    return {
        '_scope_': 'mmpretrain',
        'type': 'ImageClassifier',
        'backbone': {'type': 'CIFARResNet', 'depth': 8},
        'neck': {'type': 'GlobalAveragePooling'},
        'head': {'type': 'LinearClsHead', 'num_classes': 10, 'in_channels': 64},
    }


def config(work_dir, epochs: int = 1, **changes) -> Config:
    pooled = {'type': 'ModuleInputs', 'source': 'head.fc'}
    embed = {'type': 'CRDConnector', 'dim_in': 64, 'dim_out': 16}
    crd = {'type': 'CRDContrastLoss', 'embed_dim': 16, 'num_negatives': 32}
    distiller = {
        'type': 'ConfigurableDistiller',
        'student_recorders': {
            'pooled': pooled,
            'batch': {'type': 'ModuleInputs', 'source': ''},  # the student itself
        },
        'teacher_recorders': {'pooled': pooled},
        'distill_losses': {'loss_crd': crd | {'loss_weight': 0.8}},
        'connectors': {'embed_s': embed, 'embed_t': embed},
        'loss_forward_mappings': {
            'loss_crd': {
                's_feature': {
                    'recorder': 'pooled',
                    'from_student': True,
                    'data_idx': 0,
                    'connector': 'embed_s',
                },
                't_feature': {
                    'recorder': 'pooled',
                    'from_student': False,
                    'data_idx': 0,
                    'connector': 'embed_t',
                },
                'data_samples': {
                    'recorder': 'batch',
                    'from_student': True,
                    'data_idx': 1,
                },
            }
        },
    }
    settings = {
        'default_scope': 'mmpretrain',
        'model': {
            '_scope_': 'mmrazor',
            'type': 'SingleTeacherDistill',
            'data_preprocessor': {
                'type': 'mmpretrain.ClsDataPreprocessor',
                'mean': [127.5] * 3,
                'std': [127.5] * 3,
            },
            'architecture': classifier(),
            'teacher': classifier(),
            'distiller': distiller,
        },
        'train_dataloader': {
            'batch_size': 8,
            'num_workers': 0,
            'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            'dataset': {
                'type': 'Digits',
                'split': 'train',
                'indices': NUM_SAMPLES,
                'pipeline': PIPELINE,
            },
        },
        'train_cfg': {'by_epoch': True, 'max_epochs': epochs},
        'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.01}},
        'custom_hooks': [{'type': 'CRDBankHook'}],
        'default_hooks': {'logger': None},
        'work_dir': str(work_dir),
        'experiment_name': f'crd{epochs}',
    }
    return Config(settings | changes)


def banks(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    loss = model.distiller.distill_losses['loss_crd']
    return {name: value.clone() for name, value in loss.state_dict().items()}


def test_training_and_resuming(tmp_path, monkeypatch) -> None:
    runner = Runner.from_cfg(config(tmp_path))
    model = runner.train()
    saved = banks(model)
    assert saved['student_bank'].shape == (NUM_SAMPLES, 16)
    # Every sample came once, so every row has been written.
    norms = saved['student_bank'].norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(NUM_SAMPLES))
    assert not any('bank' in name for name in model.architecture.state_dict())
    trained = {
        id(p) for g in runner.optim_wrapper.optimizer.param_groups for p in g['params']
    }
    for connector in model.distiller.connectors.values():
        assert all(id(p) in trained for p in connector.parameters())

    seen = []
    monkeypatch.setattr(
        CRDBankHook, 'before_train', lambda _, r: seen.append(banks(r.model))
    )
    cfg = config(tmp_path, epochs=2, resume=True, load_from=f'{tmp_path}/epoch_1.pth')
    resumed = banks(Runner.from_cfg(cfg).train())
    for name, value in saved.items():
        assert torch.equal(seen[0][name], value), name
    assert torch.equal(resumed['normaliser'], saved['normaliser'])
    assert not torch.equal(resumed['student_bank'], saved['student_bank'])


def test_testing_alone_builds_no_training_set(tmp_path) -> None:
    cfg = config(tmp_path)
    loader = cfg.train_dataloader.to_dict()
    loader['dataset'] = {**loader['dataset'], 'split': 'test'}
    loader['sampler']['shuffle'] = False
    cfg.train_dataloader.dataset.type = 'ThereIsNoSuchDataSet'
    cfg.update(test_dataloader=loader, test_cfg={}, test_evaluator={'type': 'Accuracy'})
    assert 'accuracy/top1' in Runner.from_cfg(cfg).test()


def test_hook_without_the_loss(tmp_path) -> None:
    cfg = config(tmp_path)
    cfg.model.distiller = {'type': 'ConfigurableDistiller'}
    with pytest.raises(UserError, match='CRDBankHook finds no CRDContrastLoss'):
        Runner.from_cfg(cfg).train()


class Labelled(BaseDataset):
    """Samples that are nothing but labels."""

    def __init__(self, labels: list) -> None:
        self.labels = labels
        super().__init__(ann_file='')

    def load_data_list(self) -> list[dict]:
        return [{'gt_label': label} for label in self.labels]


def test_labels_in_the_order_of_sample_idx() -> None:
    init_default_scope('mmpretrain')
    digits = Digits(split='train', indices=[5, 3, 800], pipeline=PIPELINE)
    expected = [0, 0, 0]
    for i in range(3):
        sample = digits[i]['data_samples']
        expected[sample.sample_idx] = sample.gt_label.item()
    labels = _training_labels(digits)
    assert labels.dtype == torch.int64 and labels.tolist() == expected
    # A repeated sample has one row in the bank.
    repeated = RepeatDataset(digits, times=3)
    assert _training_labels(repeated).tolist() == expected
    assert repeated[4]['data_samples'].sample_idx == 1


@pytest.mark.parametrize(
    'dataset, message',
    [
        (lambda: ConcatDataset([Labelled([0, 1])] * 2), 'ConcatDataset lacks'),
        (lambda: Labelled([[0, 1], [1, 0]]), r'int64 \[2, 2\]'),
        (lambda: Labelled([0, 1, -1]), 'needs the class of every sample'),
        (lambda: Labelled(list(np.array([0.5, 1.0]))), 'float64'),
    ],
)
def test_data_sets_that_will_not_do(dataset, message: str) -> None:
    with pytest.raises(UserError, match=f'train_dataloader.dataset.*{message}'):
        _training_labels(dataset())
