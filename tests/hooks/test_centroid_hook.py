"""Centroids by eq. 13 from the real loader, in eval and in train mode."""

import pytest
import torch
from conftest import QUICKSTART
from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation import measure
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config


def run(tmp_path, ready=lambda model: None, **changes):
    """One epoch of a fine-tune from random weights; the Runner at its end."""
    cfg = Config.fromfile(QUICKSTART)
    options = TeacherOptions(lmda=0.1, epochs=1, **changes)
    stage = stage_config(cfg, options, 'mcmi', str(tmp_path))
    stage.optim_wrapper.optimizer.lr = 0.0  # the weights stay, so can be used again
    runner = Runner.from_cfg(stage)
    ready(runner.model)
    runner.train()
    return runner


def test_iterations_have_no_pass_that_ends(tmp_path):
    cfg = Config.fromfile(QUICKSTART)
    stage = stage_config(cfg, TeacherOptions(lmda=0.1), 'mcmi', str(tmp_path))
    stage.train_dataloader.sampler = dict(type='InfiniteSampler')
    stage.train_cfg = dict(by_epoch=False, max_iters=3)
    stage.param_scheduler = None
    with pytest.raises(UserError, match='^train_cfg: CentroidHook counts epochs; set'):
        Runner.from_cfg(stage).train()


@torch.no_grad()
def means(runner, inputs, labels):
    logits = runner.model(inputs, mode='tensor').double()
    rows = [logits[labels == y].softmax(1).mean(0) for y in range(10)]
    return torch.stack(rows).log().float()


def test_the_centroids_are_the_class_means_in_eval_mode(tmp_path):
    runner = run(tmp_path)
    data = runner.train_dataloader.dataset
    batch = [data[i] for i in range(len(data))]
    cast = runner.model.data_preprocessor(
        dict(
            inputs=[b['inputs'] for b in batch],
            data_samples=[b['data_samples'] for b in batch],
        )
    )
    labels = torch.tensor([b['data_samples'].gt_label.item() for b in batch])
    loss = find_cmi_loss(runner.model)

    # Batch norm's statistics have moved in the epoch: put them back to the start.
    for module in runner.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    runner.model.eval()
    expected = means(runner, cast['inputs'], labels)
    torch.testing.assert_close(loss.log_centroids, expected, rtol=1e-5, atol=1e-5)


def test_train_mode_gives_other_centroids(tmp_path):
    first = find_cmi_loss(run(tmp_path / 'eval').model).log_centroids
    second = find_cmi_loss(
        run(tmp_path / 'train', centroid_mode='train').model
    ).log_centroids
    assert (first - second).abs().max() > 1e-3


def test_before_and_after_are_recorded(tmp_path):
    info = run(tmp_path).message_hub.runtime_info
    for when in ('mcmi_before', 'mcmi_after'):
        assert info[when]['train']['num_samples'] == 1000
        assert info[when]['val']['num_samples'] == 797
    assert info['mcmi_safe_lambda'] > 0


def test_centroids_that_were_there_are_no_sign_of_a_resume(tmp_path):
    """Those of a checkpoint of another fine-tune, for example."""
    uniform = torch.full((10, 10), 0.1).log()
    runner = run(tmp_path, lambda model: find_cmi_loss(model).set_centroids(uniform))
    assert 'mcmi_before' in runner.message_hub.runtime_info
    assert (find_cmi_loss(runner.model).log_centroids - uniform).abs().max() > 1e-3


def wrong(model):
    """Sure of the classes, and of the wrong ones."""
    model._is_init = True
    model.head.fc.weight.data.zero_()
    model.head.fc.bias.data.copy_(torch.arange(10.0))


def uncertain(model):
    model._is_init = True
    model.head.fc.weight.data.zero_()
    model.head.fc.bias.data.zero_()


@pytest.mark.parametrize('ready, told', [(wrong, 1), (uncertain, 0)])
def test_a_teacher_that_is_worse_than_guessing_is_named(
    ready, told, tmp_path, monkeypatch
):
    lines = []
    monkeypatch.setattr(measure, 'log_warning', lines.append)
    runner = run(tmp_path, ready)
    assert len(lines) == told
    for cause in ('mean, std', 'to_rgb', 'classes') if told else ():
        assert cause in lines[0]
    info = runner.message_hub.runtime_info
    assert info.get('mcmi_worse_than_guessing', False) == bool(told)


def test_one_hot_labels_are_hard_ones(tmp_path):
    """``to_onehot=True`` hands the loss [B, C] rows; nothing else changes."""
    plain = run(tmp_path / 'plain')
    cfg = Config.fromfile(QUICKSTART)
    cfg.data_preprocessor.update(to_onehot=True, num_classes=10)
    options = TeacherOptions(lmda=0.1, epochs=1)
    stage = stage_config(cfg, options, 'mcmi', str(tmp_path / 'one_hot'))
    stage.optim_wrapper.optimizer.lr = 0.0
    runner = Runner.from_cfg(stage)
    assert runner.model.data_preprocessor.to_onehot
    runner.train()
    found, expected = (r.message_hub.get_info('mcmi_after') for r in (runner, plain))
    assert found == expected
    loss = find_cmi_loss(runner.model)
    assert loss.log_centroids.equal(find_cmi_loss(plain.model).log_centroids)
