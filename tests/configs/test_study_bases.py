"""The base configs of the studies, a few steps of each."""

import pytest

from mcmi_plugin.commands import train
from mcmi_plugin.job_config import job_config
from mcmi_study.pdist import pdist_of


@pytest.fixture
def base(project, tmp_path):
    def read(name, **options):
        path = str(project / 'configs/study/_base_' / name)
        short = {'train_cfg.max_epochs': 1, **options}
        return job_config(path, short, str(tmp_path / 'run'))

    return read


def test_synthetic_distillation_from_a_teacher_it_trains(base):
    options = {'mcmi.mll_epochs': 2, 'mcmi.epochs': 1}
    options |= {'train_dataloader.dataset.num_train': 320}
    options |= {'val_dataloader.dataset.num_val': 500}
    runner = train(base('synthetic_kd.py', **options))
    splits = [
        getattr(runner, f'{name}_dataloader').dataset.split
        for name in ('train', 'val', 'test')
    ]
    assert splits == ['train', 'val', 'test']
    assert 5 < pdist_of(runner.model.teacher, runner.train_dataloader) < 100


def test_eq_20_has_the_gradient_of_the_soft_cross_entropy(base):
    """``-sum P_tar log P_s`` alone: no label, no temperature, mean over the batch."""
    exact = dict(_delete_=True, type='GaussianPosterior', delta=1.0)
    options = {'mcmi': None, 'model.teacher': exact}
    options |= {'train_dataloader.dataset.num_train': 64}
    runner = train(base('synthetic_kd.py', **options))
    model, weight = runner.model, runner.model.student.head.fc.weight
    batch = model.data_preprocessor(next(iter(runner.train_dataloader)), True)
    loss, _ = model.parse_losses(model(**batch, mode='loss'))
    model.zero_grad()
    loss.backward()
    found = weight.grad.clone()
    model.zero_grad()
    target = model.teacher(batch['inputs'], mode='tensor').softmax(1)
    logits = model.student(batch['inputs'], mode='tensor')
    (-(target * logits.log_softmax(1)).sum(1).mean()).backward()
    assert found.allclose(weight.grad, atol=1e-7)
    assert found.abs().max() > 1e-3


def test_digits_choose_on_training_samples_and_report_on_others(base):
    """Few-shot, so that it is quick: the teacher stage sees wrappers in wrappers."""
    options = {'mcmi.mll_epochs': 1, 'mcmi.epochs': 1}
    cfg = base('digits_kd.py', **options)
    few = dict(type='ClassFraction', fraction=0.05)
    cfg.train_dataloader.dataset = {**few, 'dataset': cfg.train_dataloader.dataset}
    runner = train(cfg)
    held_out, few = runner.val_dataloader.dataset, runner.train_dataloader.dataset
    trained = few.dataset
    assert (len(few), len(trained), len(held_out)) == (41, 800, 200)
    assert not set(trained.indices) & set(held_out.indices)
    assert trained.dataset.split == held_out.dataset.split == 'train'
    assert runner.test_dataloader.dataset.split == 'test'
