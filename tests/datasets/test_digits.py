"""The digits as an image data set."""

import numpy as np
import pytest
from mmengine.registry import DATASETS
from sklearn.datasets import load_digits

from mcmi_plugin.errors import UserError


def build(split):
    return DATASETS.build(dict(type='Digits', split=split, pipeline=[]))


def test_it_is_all_of_scikit_learns_digits():
    train, test = build('train'), build('test')
    assert (len(train), len(test)) == (1000, 797)
    assert train.metainfo['classes'] == tuple('0123456789')
    images = [sample['img'] for data in (train, test) for sample in data]
    assert {(i.dtype.name, i.shape) for i in images} == {('uint8', (8, 8, 3))}
    assert max(i.max() for i in images) == 255
    # Every original is there once, with its label.
    original = load_digits()
    expected = sorted(
        (int(label), np.rint(image * 255 / 16).astype(np.uint8).tobytes())
        for image, label in zip(original.images, original.target, strict=True)
    )
    found = sorted(
        (int(sample['gt_label']), sample['img'][..., 0].tobytes())
        for data in (train, test)
        for sample in data
    )
    assert found == expected


def test_every_class_is_in_both_parts():
    for split in ('train', 'test'):
        assert set(build(split).get_gt_labels()) == set(range(10))


def test_another_split_is_refused():
    with pytest.raises(UserError, match="split='val'"):
        build('val')
