"""The mends behind the stock configs, one by one."""

import pickle
from types import SimpleNamespace

import mmpretrain.models
import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.registry import DefaultScope
from mmrazor.datasets import CRDDataset, PackCRDClsInputs
from mmrazor.engine import SelfDistillValLoop, SingleTeacherDistillValLoop
from mmrazor.models.architectures.heads import DeiTClsHead
from mmrazor.registry import MODELS

from mcmi_plugin.compat import stock_configs, validation_scope


@pytest.fixture
def head():
    torch.manual_seed(0)
    return DeiTClsHead(num_classes=3, in_channels=4, loss=torch.nn.CrossEntropyLoss())


def test_deit_head_reads_two_tokens_and_three(head):
    class_token, distillation_token = torch.randn(2, 4), torch.randn(2, 4)
    seen = []
    head.layers.head_dist.register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0])
    )
    patches = torch.randn(2, 4, 1, 1)
    for tokens in (
        (class_token, distillation_token),
        (patches, class_token, distillation_token),
    ):
        score = head(([], tokens))
        assert torch.equal(score, head.layers.head(class_token))
        # What the distiller records.
        assert seen.pop() is distillation_token


def test_inline_classifier_in_the_scope_of_mmrazor():
    backbone = {'type': 'mmcls.ResNet_CIFAR', 'depth': 18}
    with DefaultScope.overwrite_default_scope('mmrazor'):
        model = MODELS.build({'type': 'mmcls.ImageClassifier', 'backbone': backbone})
    assert isinstance(model, mmpretrain.models.ImageClassifier)


class Labels(BaseDataset):
    def __init__(self, labels):
        self.labels = labels
        super().__init__(serialize_data=False)

    def load_data_list(self):
        return [{'gt_label': label} for label in self.labels]

    def get_gt_labels(self):
        return self.labels


UNBALANCED = [0, 1, 0, 2, 0, 1, 0]


@pytest.mark.parametrize('sample_mode', ['exact', 'random'])
@pytest.mark.parametrize('percent', [1.0, 0.5])
def test_crd_draws_from_classes_of_different_size(sample_mode, percent):
    np.random.seed(0)
    dataset = CRDDataset(
        Labels(UNBALANCED), neg_num=5, percent=percent, sample_mode=sample_mode
    )
    for index, label in enumerate(UNBALANCED):
        positive, *negatives = dataset[index]['contrast_sample_idxs']
        assert UNBALANCED[positive] == label
        assert sample_mode == 'random' or positive == index
        assert len(negatives) == 5
        assert all(UNBALANCED[negative] != label for negative in negatives)


def test_crd_draws_from_a_balanced_data_set_as_upstream():
    dataset = CRDDataset(Labels([0, 1, 0, 1]), neg_num=2, percent=1.0)
    mended = dataset.cls_positive, dataset.cls_negative
    CRDDataset._parse_fullset_contrast_info.__wrapped__(dataset)
    for ours, upstream in zip(
        mended, (dataset.cls_positive, dataset.cls_negative), strict=True
    ):
        assert type(ours) is type(upstream) and np.array_equal(ours, upstream)


def test_crd_still_tells_other_faults():
    dataset = Labels([0, 1])
    dataset.get_gt_labels = lambda: int('not a label')
    with pytest.raises(ValueError, match='not a label'):
        CRDDataset(dataset, neg_num=2, percent=1.0)


def test_crd_packs_meta_information_of_every_sample():
    packer = PackCRDClsInputs()
    for index in range(3):
        sample = packer.transform(
            {
                'img': np.zeros((2, 2, 3), np.uint8),
                'gt_label': index,
                'sample_idx': index,
                'img_path': f'{index}.jpg',
                'contrast_sample_idxs': np.array([index, 0]),
            }
        )['data_samples']
        assert sample.img_path == f'{index}.jpg'
        assert sample.sample_idx == torch.tensor(index)
        assert sample.contrast_sample_idxs.tolist() == [index, 0]
        packer = pickle.loads(pickle.dumps(packer))  # as to a worker


@pytest.mark.parametrize('loop', [SingleTeacherDistillValLoop, SelfDistillValLoop])
def test_validation_data_are_built_in_the_scope_of_the_runner(loop):
    class Runner:
        default_scope = SimpleNamespace(scope_name='mmpretrain')
        seed, _randomness_cfg = 0, {}

        def build_dataloader(self, *args, **kwargs):
            raise LookupError(DefaultScope.get_current_instance().scope_name)

    for init, scope in (
        (loop.__init__, 'mmpretrain'),
        (loop.__init__.__wrapped__, 'mmrazor'),
    ):
        with (
            DefaultScope.overwrite_default_scope('mmrazor'),
            pytest.raises(LookupError, match=scope),
        ):
            init(loop.__new__(loop), Runner(), dataloader={}, evaluator={})


def test_an_upstream_that_works_is_left_alone():
    """What is mended already is one."""
    methods = (
        (DeiTClsHead, 'pre_logits'),
        (CRDDataset, '_parse_fullset_contrast_info'),
        (PackCRDClsInputs, 'transform'),
        (SingleTeacherDistillValLoop, '__init__'),
        (SelfDistillValLoop, '__init__'),
    )
    before = [getattr(owner, name) for owner, name in methods]
    for mend in (
        stock_configs.mend_inline_classifier,
        stock_configs.mend_deit_head,
        stock_configs.mend_crd_dataset,
        stock_configs.mend_crd_packing,
        validation_scope.mend_validation_loops,
    ):
        mend()
    assert [getattr(owner, name) for owner, name in methods] == before
