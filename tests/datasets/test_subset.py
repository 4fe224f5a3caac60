"""What all wrappers share, on the digits."""

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

DIGITS = dict(
    type='Digits',
    split='train',
    pipeline=[dict(type='PackInputs')],
    serialize_data=False,
)


def build(kind, dataset=DIGITS, **options):
    dataset = dict(dataset) if isinstance(dataset, dict) else dataset
    dataset = dict(type=kind, dataset=dataset, _scope_='mmpretrain', **options)
    return DATASETS.build(dataset)


def test_a_sample_is_the_inner_one_through_its_pipeline():
    inner = build('KeepClasses', classes=list(range(10))).dataset
    wrapper = build('KeepClasses', classes=['3'])
    where = np.flatnonzero(inner.get_gt_labels() == 3)
    assert len(wrapper) == len(where)
    for idx, original in enumerate(where):
        sample = wrapper[idx]
        assert sample['inputs'].equal(inner[original]['inputs'])
        assert sample['data_samples'].gt_label.tolist() == [3]
        assert sample['data_samples'].sample_idx == idx
    assert wrapper.get_data_info(-1)['sample_idx'] == len(where) - 1
    assert wrapper.pipeline is wrapper.dataset.pipeline


class DropSome(BaseTransform):
    """As ``LoadImageFromFile(ignore_empty=True)`` drops a picture that is none."""

    def transform(self, results):
        return results if results['gt_label'] else None


@pytest.mark.parametrize('test_mode', [False, True])
def test_what_a_transform_drops_is_exchanged_as_without_the_wrapper(test_mode):
    pipeline = [dict(type=DropSome), dict(type='PackInputs')]
    own = dict(DIGITS, pipeline=pipeline, test_mode=test_mode)
    wrapper = build('KeepClasses', own, classes=list(range(10)))
    where = int(np.flatnonzero(wrapper.get_gt_labels() == 0)[0])
    if test_mode:  # where no other one can stand for it
        with pytest.raises(UserError, match=f'drops sample {where} '):
            wrapper[where]
        return
    samples = []
    for data in (wrapper, wrapper.dataset):
        np.random.seed(0)
        samples.append(data[where])
    assert samples[0]['inputs'].equal(samples[1]['inputs'])
    nothing = build('KeepClasses', dict(own, max_refetch=2), classes=['0'])
    with pytest.raises(UserError, match='drops sample'):
        nothing[0]


def test_wrappers_wear_wrappers():
    inner = dict(type='HoldOut', fraction=0.2, dataset=DIGITS)
    dropped = dict(type='DropClasses', classes=['0', 9], dataset=inner)
    wrapper = build('ClassFraction', dropped, fraction=0.1)
    labels = wrapper.get_gt_labels()
    counts = np.bincount(wrapper.dataset.get_gt_labels(), minlength=10)
    assert counts[0] == counts[9] == 0
    assert (np.bincount(labels, minlength=10) == np.rint(counts / 10)).all()
    assert [s['data_samples'].gt_label.item() for s in wrapper] == labels.tolist()


def test_inside_mmrazors_crd_data_set_and_mmengines_wrappers():
    part = dict(type='ClassFraction', fraction=0.1, dataset=DIGITS)
    step = dict(type='PackCRDClsInputs', _scope_='mmrazor')
    crd = dict(
        type='CRDDataset',
        _scope_='mmrazor',
        neg_num=5,
        percent=1.0,
        num_classes=10,
        dataset=dict(part, dataset=dict(DIGITS, pipeline=[step])),
    )
    crd = DATASETS.build(crd)
    contrast = [crd[i]['data_samples'].contrast_sample_idxs for i in range(len(crd))]
    assert (
        max(map(max, contrast)) < len(crd) == len(build('ClassFraction', fraction=0.1))
    )
    joined = dict(type='ConcatDataset', datasets=[dict(part), dict(part)])
    assert len(DATASETS.build(dict(joined, _scope_='mmpretrain'))) == 2 * len(crd)


@pytest.mark.parametrize('label', [[1, 2], None])
def test_data_without_one_label_per_sample_are_refused(label):
    class Other(BaseDataset):
        def load_data_list(self):
            return [dict(gt_label=label) if label else {} for _ in range(3)]

    with pytest.raises(UserError, match='has not one gt_label per sample'):
        build('KeepClasses', Other(), classes=[1])


def test_an_inner_wrapper_without_a_pipeline_is_refused():
    twice = dict(type='RepeatDataset', times=2, dataset=DIGITS)
    with pytest.raises(UserError, match='RepeatDataset has no pipeline of its own'):
        build('KeepClasses', twice, classes=[1])
