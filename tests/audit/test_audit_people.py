"""The audit of a classifier against people's answers."""

import argparse
import json

import numpy as np
import pytest
from rich.console import Console
from scipy.special import rel_entr, softmax
from small_teacher import write_teacher
from test_audit import audit_of, predictions

from mcmi_plugin.audit.command import audit_teacher
from mcmi_plugin.audit.output import print_audit
from mcmi_plugin.datasets import Digits
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.people import halves


@pytest.fixture(scope='module')
def inputs(tmp_path_factory, project):
    """A teacher, and the ``counts`` of 30 people for each digit of the test set."""
    folder = tmp_path_factory.mktemp('people')
    made = write_teacher(folder, project)
    labels = np.array(Digits(split='test', pipeline=[]).get_gt_labels())
    random = np.random.RandomState(0)
    share = np.where(np.arange(10) == labels[:, None], 0.82, 0.02)
    made.counts = np.stack([random.multinomial(30, p) for p in share])
    made.path = folder / 'counts.npy'
    np.save(made.path, made.counts)
    return made


@pytest.fixture(scope='module')
def found(inputs):
    return audit_of(inputs, people_counts=str(inputs.path))


def test_figures(found, inputs):
    logits, _ = predictions(inputs, 'test')
    half = halves(797)[1].numpy()
    people = (inputs.counts / 30)[half]
    told = found['people']
    assert told['num_samples'] == len(half) == 399
    for part, temperature in (('as_is', 1), ('fitted', told['temperature'])):
        probs = softmax(logits[half] / temperature, axis=1)
        distance = 100 * np.linalg.norm(probs - people, axis=1).mean()
        kl = rel_entr(people, probs).sum(1).mean()
        assert told[part]['distance'] == pytest.approx(distance, rel=1e-4)
        assert told[part]['kl'] == pytest.approx(kl, rel=1e-4)
    assert told['fitted']['kl'] < told['as_is']['kl']
    assert 'test' not in found  # one pass over it, as the held-out data


def test_they_are_about_the_test_set(found, inputs):
    """Though another set is held out to choose by."""
    options = {'val_dataloader.dataset.split': 'train'}
    other = audit_of(inputs, people_counts=str(inputs.path), **options)
    assert other['people'] == found['people']
    assert other['val']['num_samples'] == 1000
    assert set(other['data']) == {'train', 'val', 'test'}


def test_table_sentence_and_page(found, inputs, tmp_path, monkeypatch, capsys):
    args = argparse.Namespace(
        config=str(inputs.config),
        checkpoint=str(inputs.checkpoint),
        work_dir=str(tmp_path / 'out'),
        cfg_options=dict(people_counts=str(inputs.path)),
    )
    audit_teacher(args)
    told = found['people']
    written = json.loads((tmp_path / 'out/audit.json').read_text())
    assert written['people'] == told
    page = (tmp_path / 'out/audit.html').read_text()
    printed = capsys.readouterr().out
    for part in ('as_is', 'fitted'):
        for key, how in (('kl', '.4f'), ('distance', '.2f')):
            assert format(told[part][key], how) in printed
            assert format(told[part][key], how) in page
    (sentence,) = [x for x in written['reading'] if x.startswith('People call')]
    assert f'- {sentence}\n' in printed
    assert str(inputs.path) in page


def test_without_people_nothing_is_said_of_them(inputs, capsys):
    told = audit_of(inputs)
    print_audit(told, Console(markup=False))
    assert 'people' not in told
    assert 'eople' not in capsys.readouterr().out


def test_counts_of_other_images_are_refused_before_a_pass(inputs, tmp_path):
    np.save(tmp_path / 'few.npy', inputs.counts[:700])
    with pytest.raises(UserError, match='has 700 rows .* the test set 797 images'):
        audit_of(inputs, people_counts=str(tmp_path / 'few.npy'))
