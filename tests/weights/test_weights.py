"""Strict loading of a teacher, and the hash that names it."""

import pytest
import torch
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.losses.cmi_loss import CMILoss
from mcmi_plugin.weights.loading import load_weights, read_weights, weights_hash


def classifier(classes=3):
    model = nn.Module()
    model.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model.head = nn.Module()
    model.head.fc = nn.Linear(4, classes)
    return model


def as_torchvision(model):
    return {
        name.removeprefix('backbone.').removeprefix('head.'): value
        for name, value in model.state_dict().items()
    }


def equal(first, second):
    return all(
        torch.equal(a, b)
        for a, b in zip(
            first.state_dict().values(), second.state_dict().values(), strict=True
        )
    )


@pytest.mark.parametrize(
    'form', ['state_dict', 'model', 'bare', 'module', 'torchvision']
)
def test_every_form_of_checkpoint_is_read(form, tmp_path):
    source, target = classifier(), classifier()
    state = source.state_dict()
    checkpoint = {
        'state_dict': {'state_dict': state, 'meta': {'epoch': 3}},
        'model': {'model': state, 'opt': 'sgd'},
        'bare': state,
        'module': {'state_dict': {f'module.{k}': v for k, v in state.items()}},
        'torchvision': as_torchvision(source),
    }[form]
    torch.save(checkpoint, tmp_path / 'teacher.pth')
    weights, meta = read_weights(str(tmp_path / 'teacher.pth'))
    assert meta == ({'epoch': 3} if form == 'state_dict' else {})
    load_weights(target, weights, 'teacher.pth')
    assert equal(source, target)


def test_the_teacher_of_a_distillers_checkpoint(tmp_path):
    source, target = classifier(), classifier()
    state = {f'teacher.{k}': v for k, v in source.state_dict().items()}
    state['architecture.head.fc.weight'] = torch.zeros(1)
    torch.save({'state_dict': state}, tmp_path / 'distiller.pth')
    weights, _ = read_weights(str(tmp_path / 'distiller.pth'), prefix='teacher.')
    load_weights(target, weights, 'distiller.pth')
    assert equal(source, target)


@pytest.mark.parametrize('change', ['missing', 'foreign', 'shape', 'sparse'])
def test_what_does_not_fit_is_refused_and_nothing_is_copied(change):
    source, target = classifier(), classifier()
    before = {k: v.clone() for k, v in target.state_dict().items()}
    state = source.state_dict()
    if change == 'missing':
        del state['backbone.1.running_mean']
    elif change == 'foreign':
        state['backbone.2.weight'] = torch.zeros(1)
    elif change == 'shape':
        state['head.fc.weight'] = torch.zeros(5, 4)
    else:
        state['head.fc.weight'] = state['head.fc.weight'].to_sparse()
    with pytest.raises(UserError, match='t.pth'):
        load_weights(target, state, 't.pth')
    after = target.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_centroids_of_an_earlier_fine_tune_are_left_in_the_file():
    """They would pass for those of a resumed one."""
    source, target = classifier(), classifier()
    for model in (source, target):
        model.head.loss_module = CMILoss(0.1, num_classes=3)
    source.head.loss_module.set_centroids(torch.full((3, 3), 1 / 3).log())
    load_weights(target, source.state_dict(), 'epoch_1.pth')
    assert target.head.loss_module.log_centroids.isnan().all()
    assert torch.equal(source.head.fc.weight, target.head.fc.weight)
    other_classes = dict(source.state_dict())
    other_classes['head.loss_module.log_centroids'] = torch.zeros(7, 7)
    load_weights(target, other_classes, 'epoch_1.pth')


def test_old_checkpoints_lack_only_the_batch_norm_counter():
    source, target = classifier(), classifier()
    state = source.state_dict()
    del state['backbone.1.num_batches_tracked']
    load_weights(target, state, 't.pth')
    assert equal(source, target)


def test_the_hash_names_the_teacher_not_the_file():
    state = classifier().state_dict()
    same = dict(reversed(state.items()))
    same['backbone.1.num_batches_tracked'] = torch.tensor(7)
    assert weights_hash(state) == weights_hash(same)
    for change in (
        {'head.fc.bias': state['head.fc.bias'] + 1e-6},
        {'head.fc.bias': state['head.fc.bias'].double()},
        {'head.fc.weight': state['head.fc.weight'].reshape(4, 3)},
    ):
        assert weights_hash({**state, **change}) != weights_hash(state)
