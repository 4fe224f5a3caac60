"""Files of chosen samples."""

import numpy as np
import pytest

from mcmi_plugin.datasets.indices import (
    labels_hash,
    load_indices,
    save_indices,
    saved_or_chosen,
)
from mcmi_plugin.errors import UserError

LABELS = dict(num_samples=10, labels=labels_hash(np.arange(3)))
CHOICE = dict(kind='test', fraction=0.5, **LABELS)


def test_what_is_saved_is_read_and_nothing_is_chosen_again(tmp_path):
    path = str(tmp_path / 'new/a.json')
    values = np.array([1, 4, 9])
    assert (saved_or_chosen(path, CHOICE, lambda: values) == values).all()
    read = saved_or_chosen(path, CHOICE, lambda: pytest.fail('chosen again'))
    assert (read == values).all()
    assert read.dtype == np.int64
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['a.json']


def test_other_labels_are_another_data_set(tmp_path):
    path = str(tmp_path / 'a.json')
    save_indices(path, CHOICE, np.arange(2))
    other = {**CHOICE, 'labels': labels_hash(np.array([0, 2, 1]))}
    with pytest.raises(UserError, match=r'made with labels=.*\.\.\..*, not'):
        load_indices(path, other)
    with pytest.raises(UserError, match='made with seed=None, not 1'):
        load_indices(path, {**CHOICE, 'seed': 1})


@pytest.mark.parametrize('cut', ['half', 'text', 'list', 'floats', 'no choice'])
def test_a_damaged_file_is_one_line(tmp_path, cut):
    path = tmp_path / 'a.json'
    save_indices(str(path), CHOICE, np.arange(9))
    whole = path.read_text()
    damaged = {
        'half': whole[: len(whole) // 2],
        'text': 'indices',
        'list': '[1, 2]',
        'floats': whole.replace('[0, 1', '[0.5, 1'),
        'no choice': '{"choice": 3, "values": [1]}',
    }
    path.write_text(damaged[cut])
    with pytest.raises(UserError, match='is no whole file of indices; remove it'):
        load_indices(str(path), CHOICE)


@pytest.mark.parametrize('values', [[0, 10], [-1, 0], [1, 0], [1, 1]])
def test_an_edited_file_is_one_line(tmp_path, values):
    """Of ten samples."""
    path = str(tmp_path / 'a.json')
    save_indices(path, CHOICE, np.array(values))
    with pytest.raises(UserError, match='ascending numbers from 0 to 9; remove it'):
        saved_or_chosen(path, CHOICE, lambda: pytest.fail('chosen'))


def test_a_file_that_has_lost_some_is_one_line(tmp_path):
    path = tmp_path / 'a.json'
    save_indices(str(path), CHOICE, np.arange(3))
    path.write_text(path.read_text().replace('[0, 1, 2]', '[0, 1]'))
    with pytest.raises(UserError, match='is no whole file of indices; remove it'):
        load_indices(str(path), CHOICE)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written'):
        save_indices(str(tmp_path / 'file/a.json'), CHOICE, np.arange(2))
