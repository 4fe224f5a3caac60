"""Pseudo-labels in an ordinary run; the teacher is the exact BCPD."""

import json

import numpy as np
import pytest
from conftest import PROJECT
from mmengine.hooks import Hook

from mcmi_plugin.commands import train
from mcmi_plugin.datasets.synthetic_gaussian import class_means
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config

CONFIG = str(PROJECT / 'configs/study/_base_/synthetic_kd.py')
DATA = dict(
    type='SyntheticGaussian',
    split='train',
    num_train=200,
    delta=1.0,
    pipeline=[dict(type='PackInputs')],
)
SEMI = dict(
    _delete_=True,
    type='PseudoLabelled',
    labelled_fraction=0.1,
    dataset=DATA,
)


@pytest.fixture
def config(tmp_path):
    def read(**options):
        options = {
            'mcmi': None,
            # Two trainings of one second would share what is told by its name.
            'experiment_name': tmp_path.name,
            'model.teacher': dict(_delete_=True, type='GaussianPosterior', delta=1.0),
            'train_dataloader.dataset': json.loads(json.dumps(SEMI)),
            'train_cfg.max_epochs': 1,
            'val_dataloader.dataset.num_val': 50,
            'custom_hooks': [dict(type='PseudoLabelHook')],
            **options,
        }
        return job_config(CONFIG, options, str(tmp_path / 'run'))

    return read


def test_the_teacher_labels_the_unlabelled_and_a_resumed_run_reads_them(
    config, tmp_path
):
    data = train(config()).train_dataloader.dataset
    infos = [data.dataset.get_data_info(i) for i in range(200)]
    means = class_means(1.0, 0)
    vectors = np.array([info['img'] for info in infos])
    nearest = ((means**2).sum(1) - 2 * vectors @ means.T).argmin(1)
    true = np.array([info['gt_label'] for info in infos])
    expected = np.where(data.is_labelled, true, nearest)
    assert (data.get_gt_labels() == expected).all()
    assert (expected != true).any()  # the teacher errs, so labels were replaced

    path = tmp_path / 'run/pseudo_labels.json'
    content = json.loads(path.read_text())
    assert content['values'] == nearest.tolist()
    # Only who reads the file has these.
    path.write_text(json.dumps({**content, 'values': [7] * 200}))
    resumed = train(config(**{'train_cfg.max_epochs': 2}), resume=True)
    assert resumed.epoch == 2
    data = resumed.train_dataloader.dataset
    assert (data.get_gt_labels()[~data.is_labelled] == 7).all()

    # Those of another choice are not taken; a fresh start makes its own.
    other = {'train_dataloader.dataset.seed': 3, 'train_cfg.max_epochs': 3}
    with pytest.raises(UserError, match='was made with seed=0, not 3'):
        train(config(**other), resume=True)
    train(config())
    assert json.loads(path.read_text()) == content


@pytest.mark.parametrize(('resident', 'workers'), [(True, 0), (False, 0), (False, 1)])
def test_a_loop_counted_in_iterations_reads_the_new_labels(config, resident, workers):
    """mmengine begins to read when it builds the loop, before any hook."""
    options = {
        'fast': False,
        'train_cfg': dict(_delete_=True, type='IterBasedTrainLoop', max_iters=5),
        'train_dataloader.num_workers': workers,
        'train_dataloader.sampler': dict(type='InfiniteSampler', shuffle=True),
        'val_cfg': None,
        'val_evaluator': None,
        'test_dataloader': config().val_dataloader.to_dict(),
        'val_dataloader': None,
        'train_dataloader.batch_size': 40,
        'param_scheduler': None,
    }
    if resident:
        options |= {'train_dataloader.type': 'ResidentLoader'}
    watch = Watch()
    runner = train(config(**options), hooks=[watch])
    labels = runner.train_dataloader.dataset.get_gt_labels()
    assert len(watch.seen) == 200 and len({i for i, _ in watch.seen}) == 200
    assert all(labels[i] == label for i, label in watch.seen)


class Watch(Hook):
    def __init__(self) -> None:
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        for sample in data_batch['data_samples']:
            self.seen.append((sample.sample_idx, sample.gt_label.item()))


def test_what_is_joined_to_validate_by_has_a_pipeline_too(config):
    held_out = dict(DATA, split='val', num_val=20)
    joined = dict(_delete_=True, type='ConcatDataset', datasets=[held_out, held_out])
    runner = train(config(**{'val_dataloader.dataset': joined}))
    assert (runner.train_dataloader.dataset.get_gt_labels() >= 0).all()


def test_a_run_without_its_data_set_or_its_hook(config):
    plain = {'train_dataloader.dataset': dict(DATA, _delete_=True)}
    with pytest.raises(UserError, match='PseudoLabelHook finds no PseudoLabelled in'):
        train(config(**plain))
    with pytest.raises(UserError, match=r"add custom_hooks=\[dict\(type='PseudoLab"):
        train(config(custom_hooks=[]))
