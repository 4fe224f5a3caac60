"""CIFAR's pickles: whoever wrote them, and without running code."""

import io
import os
import pickle

import numpy as np
import pytest
from cifar_files import (
    cifar_batch,
    python2_pickle,
    write_files,
)
from mmpretrain.datasets import CIFAR100

from mcmi_plugin.datasets.cifar_pickle import load_batch
from mcmi_plugin.errors import UserError


def load(kind: type, folder, split: str = 'train'):
    return kind(data_root=str(folder), split=split)


def images_of(batch: dict) -> np.ndarray:
    """[N, 32, 32, 3] of 3,072 numbers that go by colour, then row, then column."""
    return np.stack([batch['data'].reshape(-1, 3, 1024)[:, c] for c in range(3)], -1)


def write_train(folder, content: bytes) -> None:
    write_files(folder, 'cifar-100-python', 'cifar-100', {'train': content}, True)


class RunsCode:
    def __init__(self, file) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize('write', [python2_pickle, pickle.dumps])
def test_code_in_a_batch_is_refused(tmp_path, write):
    batch = cifar_batch([0, 1], 'fine_labels')
    batch['x'] = RunsCode(tmp_path / 'ran')
    write_train(tmp_path, write(batch))
    with pytest.raises(UserError, match='asks for posix.mkdir and could run code'):
        load(CIFAR100, tmp_path)
    assert not (tmp_path / 'ran').exists()


def test_forged_array_of_pointers(tmp_path):
    content = python2_pickle(cifar_batch([0, 1], 'fine_labels'))
    name = pickle.BINSTRING + b'\2\0\0\0u1'
    assert content.count(name) == 1
    write_train(tmp_path, content.replace(name, pickle.BINSTRING + b'\2\0\0\0O8'))
    with pytest.raises(UserError, match='uint8'):
        load(CIFAR100, tmp_path)


# A pickle can also put state into what it names, here into our stand-in itself.
@pytest.mark.parametrize('state', [b'}', b'N}\x86', b'N}U\x08as_arrayK\x01s\x86'])
@pytest.mark.parametrize(
    'name',
    [
        b'numpy\nndarray',
        b'numpy._core.numeric\n_frombuffer',
        b'numpy.core.multiarray\nscalar',
        b'_codecs\nencode',
    ],
)
def test_stand_ins_cannot_be_changed(name, state):
    with pytest.raises(ValueError, match='__setstate__'):
        load_batch(b'\x80\x02c' + name + b'\n' + state + b'b.')


# What goes through `pickle.load(file, encoding='bytes')`, and back, has keys of bytes.
@pytest.mark.parametrize(
    ('key', 'layout'), [(str, np.ascontiguousarray), (str.encode, np.asfortranarray)]
)
@pytest.mark.parametrize(
    'labels', [np.array, lambda x: np.array(x, '>i2'), lambda x: list(np.array(x))]
)
# 4 is the default from Python 3.8 on, 5 that of 3.14.
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_python_3_and_numpy_write(protocol, labels, key, layout, tmp_path):
    batch = cifar_batch([3, 99], 'fine_labels')
    batch['data'] = layout(batch['data'])
    batch['filenames'] = [b'1.png', b'']
    content = {key(k): v for k, v in batch.items()}
    content[key('fine_labels')] = labels([3, 99])
    content[key('coarse_labels')] = [0, 19]
    write_train(tmp_path, pickle.dumps(content, protocol))
    dataset = load(CIFAR100, tmp_path)
    assert dataset.get_gt_labels().tolist() == [3, 99]
    assert np.array_equal(dataset[1]['img'].reshape(1024, 3), images_of(batch)[1])


def test_protocol_5_of_an_array_that_cannot_be_written(tmp_path):
    batch = cifar_batch([3, 99], 'fine_labels')
    batch['data'].flags.writeable = False
    content = pickle.dumps(batch, 5)
    assert b'_frombuffer' in content  # or this test shows nothing
    write_train(tmp_path, content)
    assert len(load(CIFAR100, tmp_path)) == 2


@pytest.mark.parametrize(
    ('true', 'forged', 'fault'),
    [
        (b'\x8c\x02u1', b'\x8c\x02O8', 'uint8'),  # pointers
        (b'\x8c\x01C', b'\x8c\x01K', 'order'),
        (b'K\x02M\x00\x0c', b'K\x02M\x00\x0d', 'uint8'),  # more than there is
    ],
)
def test_forged_array_of_protocol_5(tmp_path, true, forged, fault):
    content = pickle.dumps(cifar_batch([0, 1], 'fine_labels'), protocol=5)
    assert content.count(true) == 1
    write_train(tmp_path, content.replace(true, forged))
    with pytest.raises(UserError, match=fault):
        load(CIFAR100, tmp_path)


def test_column_major_array(tmp_path):
    batch = cifar_batch([3, 99], 'fine_labels')
    columns = {**batch, 'data': np.asfortranarray(batch['data'])}
    write_train(tmp_path, python2_pickle(columns))
    image = load(CIFAR100, tmp_path)[1]['img']
    assert np.array_equal(image.reshape(1024, 3), images_of(batch)[1])


@pytest.mark.parametrize(
    ('change', 'fault'),
    [
        (dict(fine_labels=[0]), '1 labels'),
        (dict(fine_labels=[0, 100]), 'from 0 to 99'),
        (dict(fine_labels=[0, -1]), 'from 0 to 99'),
        (dict(fine_labels=[0, 0.5]), 'whole'),
        (dict(fine_labels=np.array([0, 100])), 'from 0 to 99'),
        (dict(fine_labels=np.array([0.0, 1.0])), 'whole'),
        (dict(fine_labels=np.array([[0, 1]])), 'whole'),
        (dict(fine_labels=[0, None]), 'whole'),
        (dict(fine_labels='01'), 'labels'),
        (dict(data=[0] * 6144), 'data'),
        (dict(data=np.zeros((2, 3071), np.uint8)), '3071'),
        (dict(data=np.zeros((2, 3072), np.int8)), 'uint8'),
        (dict(data=np.zeros(6144, np.uint8)), r'\[N, M\]'),
    ],
)
def test_other_contents(tmp_path, change, fault):
    write_train(
        tmp_path, python2_pickle({**cifar_batch([0, 1], 'fine_labels'), **change})
    )
    with pytest.raises(UserError, match=fault):
        load(CIFAR100, tmp_path)


def test_no_dictionary(tmp_path):
    write_train(tmp_path, pickle.dumps([1, 2], 2))
    with pytest.raises(UserError, match='not a dictionary'):
        load(CIFAR100, tmp_path)


def test_small_files_are_in_the_true_form():
    """What Python 2 wrote has neither text nor bytes, only its one kind of string."""
    content = python2_pickle(cifar_batch([0], 'fine_labels'))
    with pytest.raises(UnicodeDecodeError):
        pickle.load(io.BytesIO(content))
    assert set(pickle.loads(content, encoding='bytes')) == {
        b'data',
        b'filenames',
        b'batch_label',
        b'fine_labels',
    }
