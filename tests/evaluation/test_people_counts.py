"""Files of people's counts: as CIFAR-10H publishes them, and what is refused."""

import numpy as np
import pytest
import torch

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.people import people_figures, read_people

LABELS = np.arange(200) % 4


def answers(labels, classes=4, seed=0):
    """About 50 people's, most of whom name the label."""
    random = np.random.RandomState(seed)
    share = np.where(np.arange(classes) == np.reshape(labels, (-1, 1)), 0.7, 0.1)
    return np.stack([random.multinomial(50, p / p.sum()) for p in share])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'cifar10h-counts.npy'
    np.save(path, answers(LABELS))
    return path


@pytest.mark.parametrize('kind', ['uint8', 'int64', 'float64'])
def test_counts_are_read_whatever_their_type(path, kind):
    np.save(path, answers(LABELS).astype(kind))
    expected = answers(LABELS) / 50
    assert np.array_equal(read_people(str(path), 200, 4), expected)
    np.save(path, expected)  # the shares of the release
    assert np.allclose(read_people(str(path), 200, 4), expected, atol=1e-15)


def bad(path, kind):
    counts = answers(LABELS)
    if kind == 'no file':
        path.unlink()
    elif kind == 'no array':
        path.write_text('0 1\n')
    elif kind == 'an archive':
        np.savez(path.with_suffix(''), counts=counts)
        path.with_suffix('.npz').rename(path)
    elif kind == 'runs code':
        np.save(path, np.array([print, 1], object), allow_pickle=True)
    elif kind == 'negative':
        np.save(path, -counts)
    elif kind == 'nobody':
        np.save(path, counts * (LABELS[:, None] > 0))
    elif kind == 'fewer rows':
        np.save(path, counts[:-1])
    elif kind == 'another number of classes':
        np.save(path, answers(LABELS, classes=5))


@pytest.mark.parametrize(
    ('kind', 'words'),
    [
        ('no file', ['there is no ', 'jcpeterson/cifar-10h', 'people_counts=None']),
        ('no array', ['name a .npy file of counts']),
        ('an archive', ['no array of numbers']),
        ('runs code', ['name a .npy file of counts']),
        ('negative', ['from 0 on']),
        ('nobody', ['nobody has named image 0']),
        ('fewer rows', ['has 199 rows and 4 columns', '200 images of 4 classes']),
        ('another number of classes', ['5 columns', 'test_dataloader.dataset']),
    ],
)
def test_what_is_no_such_file_is_one_line(path, kind, words):
    bad(path, kind)
    with pytest.raises(UserError, match='^people_counts: ') as error:
        read_people(str(path), 200, 4)
    for word in [path.name, *words]:
        assert word in str(error.value)


def test_rows_in_another_order_are_refused(path):
    logits, labels = torch.randn(200, 4), torch.from_numpy(LABELS)
    told = people_figures(str(path), logits, labels)
    right = 100 * (answers(LABELS).argmax(1) == LABELS).mean()
    assert told['people_accuracy'] == pytest.approx(right)
    for wrong in (
        answers(LABELS)[np.random.RandomState(0).permutation(200)],
        answers(LABELS)[:, [1, 2, 3, 0]],
    ):
        np.save(path, wrong)
        with pytest.raises(UserError, match='not in the order of the test set'):
            people_figures(str(path), logits, labels)


def test_a_distance_is_given_as_pdist_is(path):
    """Uniform predictions, by hand; what is always the same has no correlation."""
    people = answers(LABELS) / 50
    told = people_figures(str(path), torch.zeros(200, 4), torch.from_numpy(LABELS))
    distances = 100 * np.linalg.norm(people - 0.25, axis=1)
    assert distances.min() < told['as_is']['distance'] < distances.max()
    assert told['as_is']['distance'] == pytest.approx(distances.mean(), rel=0.05)
    assert told['as_is']['entropy_correlation'] is None
    assert told['as_is']['entropy'] == pytest.approx(np.log(4))
    assert told['counts'] == str(path)
