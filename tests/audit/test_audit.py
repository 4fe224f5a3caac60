"""The audit of a classifier: every figure against all predictions at once."""

import io
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import QUICKSTART
from oracle import calibration_error_of, cmi_of, entropy_of, ll_of
from rich.console import Console
from scipy.special import log_softmax
from small_teacher import write_teacher

from mcmi_plugin.audit.command import audit
from mcmi_plugin.audit.model import as_distillation, build_teacher, fill_teacher
from mcmi_plugin.audit.passes import build_loader
from mcmi_plugin.datasets import Digits
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional import one_pass
from mcmi_plugin.job_config import job_config


@pytest.fixture(scope='module')
def inputs(tmp_path_factory, project):
    return write_teacher(tmp_path_factory.mktemp('teacher'), project)


def quiet() -> Console:
    return Console(file=io.StringIO())


def audit_of(inputs, **options):
    return audit(
        job_config(str(inputs.config), options), str(inputs.checkpoint), quiet()
    )


def predictions(inputs, split):
    """Logits and labels of a split, by matrix products on scikit-learn's images."""
    data = Digits(split=split, pipeline=[])
    images = np.stack([data[i]['img'] for i in range(len(data))])
    pixels = (images.transpose(0, 3, 1, 2) - 77.85) / 95.89
    state = {name: value.double().numpy() for name, value in inputs.state.items()}
    first = [state[f'backbone.layers.0.{kind}'] for kind in ('weight', 'bias')]
    last = [state[f'head.fc.{kind}'] for kind in ('weight', 'bias')]
    hidden = np.maximum(pixels.reshape(len(data), -1) @ first[0].T + first[1], 0)
    labels = np.array([data[i]['gt_label'] for i in range(len(data))])
    return log_softmax(hidden @ last[0].T + last[1], axis=1), labels


@pytest.fixture(scope='module')
def found(inputs):
    return audit_of(inputs)


@pytest.mark.parametrize(('key', 'split'), [('train', 'train'), ('val', 'test')])
def test_figures_of_a_data_set(found, inputs, key, split):
    logits, labels = predictions(inputs, split)
    figures = found[key]
    assert figures['num_samples'] == len(labels)
    right = logits.argmax(1) == labels
    assert figures['accuracy'] == pytest.approx(100 * right.mean())
    assert figures['ll'] == pytest.approx(ll_of(logits, labels), rel=1e-5)
    assert figures['cmi'] == pytest.approx(cmi_of(logits, labels), rel=1e-5)
    assert figures['entropy'] == pytest.approx(entropy_of(logits), rel=1e-5)
    error = calibration_error_of(logits, labels, bins=15)
    assert figures['calibration_error'] == pytest.approx(error, abs=0.01)
    assert sum(one['samples'] for one in figures['reliability']) == len(labels)


def test_the_curve_and_its_marks(found, inputs):
    logits, labels = predictions(inputs, 'train')
    points = {point['temperature']: point for point in found['train']['temperatures']}
    for temperature, point in points.items():
        softened = logits / temperature
        assert point['cmi'] == pytest.approx(cmi_of(softened, labels), rel=1e-4)
        assert point['ll'] == pytest.approx(ll_of(softened, labels), rel=1e-4)
    for key in ('cmi', 'll'):
        best = points[found['train'][f'temperature_of_{key}']]
        assert best[key] == max(point[key] for point in points.values())
    assert points[1.0]['cmi'] == found['train']['cmi']


def test_figures_of_the_classes(found, inputs):
    logits, labels = predictions(inputs, 'train')
    assert [one['name'] for one in found['classes']] == list('0123456789')
    total = sum(one['cmi'] * one['samples'] for one in found['classes'])
    assert total / 1000 == pytest.approx(found['train']['cmi'])
    three = found['classes'][3]
    own = labels == 3
    assert three['samples'] == own.sum()
    assert three['accuracy'] == pytest.approx(100 * (logits[own].argmax(1) == 3).mean())
    probs = np.exp(logits[own])
    kl = (probs * (np.log(probs) - np.log(probs.mean(0)))).sum(1).mean()
    assert three['cmi'] == pytest.approx(kl, rel=1e-4)


def test_lambda_is_that_of_the_centroids(found, inputs):
    logits, labels = predictions(inputs, 'train')
    centroids = [np.exp(logits[labels == y]).mean(0) for y in range(10)]
    bounds = [2 / np.log(q[y] / q.min()) for y, q in enumerate(centroids)]
    label = int(np.argmin(bounds))
    told = found['lambda']
    assert told['flip'] == pytest.approx(min(bounds), rel=1e-4)
    assert told['label'] == str(label)
    assert told['least'] == str(centroids[label].argmin())
    assert 0 < told['low'] < told['flip'] < told['high']


def test_it_does_not_depend_on_the_batches(found, inputs):
    options = {f'{split}_dataloader.batch_size': 37 for split in ('train', 'val')}
    other = audit_of(inputs, **options)
    for split in ('train', 'val'):
        for key in ('accuracy', 'll', 'cmi', 'entropy', 'calibration_error'):
            assert other[split][key] == pytest.approx(found[split][key], rel=1e-5)


def test_sums_are_taken_of_several_batches_at_once(found, inputs, monkeypatch):
    """Of three at a time, and of what is left: none twice."""
    monkeypatch.setattr(one_pass, 'ROWS_AT_ONCE', 300)
    other = audit_of(inputs, **{'val_dataloader.batch_size': 130})
    assert other['train']['num_samples'] == 1000
    assert other['train']['cmi'] == pytest.approx(found['train']['cmi'], rel=1e-5)


def test_every_sample_is_looked_at_once(inputs, monkeypatch):
    seen = Counter()
    prepare = Digits.prepare_data

    def count(self, index):
        seen[self.split, index] += 1
        return prepare(self, index)

    monkeypatch.setattr(Digits, 'prepare_data', count)
    audit_of(inputs)
    assert len(seen) == 1000 + 797
    # Two of the training set once more, for what a batch takes of the memory.
    again = {('train', 0), ('train', 1)}
    assert all(n == 1 + (sample in again) for sample, n in seen.items())


def test_a_class_without_a_sample_is_named(inputs):
    dataset = {
        'train_dataloader.dataset._delete_': True,
        'train_dataloader.dataset.type': 'DropClasses',
        'train_dataloader.dataset.classes': [3],
        'train_dataloader.dataset.dataset.type': 'Digits',
        'train_dataloader.dataset.dataset.split': 'train',
        'train_dataloader.dataset.dataset.pipeline': [],
    }
    told = audit_of(inputs, **dataset)
    assert told['lambda'] == dict(missing=['3'])
    assert told['classes'][3]['cmi'] is None
    assert any('no training sample of class 3' in text for text in told['reading'])


def test_a_head_wider_than_the_class_names(inputs, tmp_path):
    state = dict(inputs.state)
    for name in ('head.fc.weight', 'head.fc.bias'):
        state[name] = torch.cat([state[name], state[name][:2]])
    torch.save(state, tmp_path / 'wide.pth')
    cfg = job_config(str(inputs.config), {'model.head.num_classes': 12})
    told = audit(cfg, str(tmp_path / 'wide.pth'), quiet())
    assert [one['name'] for one in told['classes'][-3:]] == ['9', '10', '11']
    assert told['lambda'] == dict(missing=['10', '11'])


def test_nan_is_refused(inputs, tmp_path):
    state = {**inputs.state, 'head.fc.bias': torch.full((10,), torch.nan)}
    torch.save(state, tmp_path / 'nan.pth')
    with pytest.raises(UserError, match='NaN'):
        audit(job_config(str(inputs.config), {}), str(tmp_path / 'nan.pth'), quiet())


def test_augmentation_and_shuffling_are_left_out(inputs):
    crop = [dict(type='RandomCrop', crop_size=8, padding=3), dict(type='PackInputs')]
    options = {'train_dataloader.dataset.pipeline': crop}
    cfg = as_distillation(job_config(str(inputs.config), options))
    loader = build_loader(cfg, 'train')
    assert len(loader.dataset.pipeline.transforms) == 1
    assert list(loader.sampler) == list(range(1000))


def test_the_teacher_of_a_distillation(tmp_path):
    """From its own file, and from the checkpoint of a distillation."""
    cfg = as_distillation(job_config(str(QUICKSTART), {}))
    made = build_teacher(cfg)
    state = made.state_dict()
    mcmi = dict(stage='mcmi', lmda=0.25)
    torch.save(dict(state_dict=state, meta=dict(mcmi=mcmi)), tmp_path / 'alone.pth')
    of_run = {f'teacher.{name}': value for name, value in state.items()}
    of_run['architecture.head.fc.bias'] = torch.zeros(10)
    torch.save(dict(state_dict=of_run, meta={}), tmp_path / 'run.pth')
    for file, meta in (('alone.pth', mcmi), ('run.pth', {})):
        teacher = build_teacher(cfg)
        assert fill_teacher(teacher, str(tmp_path / file)) == meta
        for name, value in teacher.state_dict().items():
            assert torch.equal(value, state[name])
