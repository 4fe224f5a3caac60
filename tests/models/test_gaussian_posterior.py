"""The exact teacher and the MLP, as mmpretrain and MMRazor use them."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from scipy.stats import multivariate_normal

from mcmi_plugin.checks.teacher import check_teacher
from mcmi_plugin.datasets.synthetic_gaussian import class_means
from mcmi_plugin.errors import UserError
from mcmi_study.pdist import pdist_of

KNOWN = dict(type='GaussianPosterior', delta=2.0, sigma=3.0, seed=5)


def loader(dataset=None, **options):
    data = dict(type='SyntheticGaussian', split='train', num_train=70, delta=2.0)
    data = dict(data, sigma=3.0, seed=5, pipeline=[dict(type='PackInputs')])
    dataset = dataset(data) if dataset else data
    return Runner.build_dataloader(
        dict(
            dataset=DATASETS.build(dict(dataset, _scope_='mmpretrain')),
            batch_size=16,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
            **options,
        )
    )


def true_posterior(vectors):
    law = [multivariate_normal(m, 9.0 * np.eye(30)) for m in class_means(2.0, 5)]
    logs = np.stack([each.logpdf(vectors) for each in law], 1)
    odds = np.exp(logs - logs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def test_it_predicts_the_true_bcpd_also_after_the_runners_initialisation():
    model = MODELS.build(KNOWN)
    model.init_weights()
    for raw in loader():
        batch = model.data_preprocessor(raw, False)
        found = model(**batch, mode='tensor').softmax(1).detach()
        assert np.allclose(found, true_posterior(raw['inputs'].numpy()), atol=1e-5)
        predicted = model(**batch, mode='predict')
        assert [p.pred_label.item() for p in predicted] == found.argmax(1).tolist()
        assert np.isfinite(model(**batch, mode='loss')['loss'].item())


def test_pdist_is_nought_for_it_and_by_hand_for_another():
    batches = loader()
    assert pdist_of(MODELS.build(KNOWN), batches) < 1e-4
    other = MODELS.build(dict(KNOWN, sigma=6.0)).train()
    vectors = np.stack([sample['inputs'].numpy() for sample in batches.dataset])
    logits = vectors @ class_means(2.0, 5).T - (class_means(2.0, 5) ** 2).sum(1) / 2
    odds = np.exp(logits / 36.0)
    distances = odds / odds.sum(1, keepdims=True) - true_posterior(vectors)
    expected = 100 * np.sqrt((distances**2).sum(1)).mean()
    assert pdist_of(other, batches) == pytest.approx(expected, rel=1e-5)
    assert other.training
    few = loader(lambda data: dict(type='KeepClasses', classes=[1, 2], dataset=data))
    assert pdist_of(MODELS.build(KNOWN), few) < 1e-4


def test_pdist_of_data_whose_bcpd_nobody_knows():
    digits = loader(lambda _: dict(type='Digits', split='test', pipeline=[]))
    with pytest.raises(UserError, match='the true BCPD of Digits is not known'):
        pdist_of(MODELS.build(KNOWN), digits)


def test_only_a_teacher_without_training_passes_without_a_checkpoint():
    model = dict(type='SingleTeacherDistill', teacher=dict(KNOWN))
    check_teacher(Config(dict(model=model)))
    model['teacher'] = dict(type='mmpretrain.ImageClassifier')
    with pytest.raises(UserError, match='the teacher would be random'):
        check_teacher(Config(dict(model=model)))


@torch.no_grad()
def test_the_mlp_is_its_layers():
    torch.manual_seed(0)
    mlp = MODELS.build(dict(type='MLP', widths=[6, 5, 4]))
    images = torch.randn(3, 2, 3, 1)
    (feature,) = mlp(images)
    first, second = (m for m in mlp.modules() if isinstance(m, torch.nn.Linear))
    hidden = (images.flatten(1) @ first.weight.T + first.bias).clamp(min=0)
    expected = (hidden @ second.weight.T + second.bias).clamp(min=0)
    assert feature.shape == (3, 4)
    assert feature.allclose(expected)
    identity = MODELS.build(dict(type='MLP', widths=[6]))
    assert identity(images)[0].equal(images.flatten(1))
