"""What keeps distillation configs that MMRazor ships from running unmodified.

A distillation config must run as it is before its teacher can be exchanged.
"""

import functools
from types import SimpleNamespace

import numpy as np
import torch


def mend_inline_classifier() -> None:
    """BYOT: build an ``mmcls.ImageClassifier`` that stands inside MMRazor's scope.

    What upstream gets wrong: mmpretrain's classifier builds its preprocessor by
    a bare ``ClsDataPreprocessor``, looked up in the scope of whoever asked for
    the classifier; in MMRazor's scope there is none.

    It falls away when MMRazor's registry finds the name.
    """
    from mmpretrain.models import ClsDataPreprocessor
    from mmrazor.registry import MODELS

    if 'ClsDataPreprocessor' not in MODELS:
        MODELS.register_module(name='ClsDataPreprocessor', module=ClsDataPreprocessor)


def mend_deit_head() -> None:
    """DeiT: let MMRazor's ``DeiTClsHead`` take the backbone's two tokens.

    What upstream gets wrong: the head unpacks patch, class and distillation
    token; the backbone of mmpretrain returns class and distillation token.
    mmpretrain's own head of that name reads both forms, so its method serves.

    It falls away when the head reads two tokens by itself.
    """
    from mmpretrain.models.heads import DeiTClsHead as ReadsBoth
    from mmrazor.models.architectures.heads import DeiTClsHead

    token = torch.zeros(1, 1)
    try:
        DeiTClsHead.pre_logits(SimpleNamespace(hidden_dim=None), ((token, token),))
    except ValueError:
        DeiTClsHead.pre_logits = ReadsBoth.pre_logits


def mend_crd_dataset() -> None:
    """CRD: let ``CRDDataset`` index data whose classes differ in size.

    What upstream gets wrong: as its last step it packs one list of samples per
    class into one array, which numpy >= 1.24 refuses if the lengths differ. The
    lists are complete by then, and nothing that reads them needs an array.

    It falls away when upstream indexes an unbalanced data set by itself.
    """
    from mmrazor.datasets import CRDDataset

    index = CRDDataset._parse_fullset_contrast_info
    if not _refuses_unbalanced(index):
        return

    @functools.wraps(index)
    def index_unbalanced(self) -> None:
        try:
            index(self)
        except ValueError:
            if not _is_indexed(self):
                raise

    CRDDataset._parse_fullset_contrast_info = index_unbalanced


def _refuses_unbalanced(index) -> bool:
    labels = [0, 0, 1]
    dataset = SimpleNamespace(
        test_mode=False, get_gt_labels=lambda: labels, __len__=lambda: len(labels)
    )
    wrapper = SimpleNamespace(
        dataset=dataset, num_classes=2, sample_mode='exact', percent=1.0
    )
    try:
        index(wrapper)
    except ValueError:
        return True
    return False


def _is_indexed(wrapper) -> bool:
    return all(
        isinstance(samples, np.ndarray)
        for name in ('cls_positive', 'cls_negative')
        for samples in getattr(wrapper, name, [None])
    )


def mend_crd_packing() -> None:
    """CRD: let ``PackCRDClsInputs`` pack more than one sample.

    What upstream gets wrong: it replaces its ``meta_keys`` by a generator, so
    from the second sample on no meta information is packed, and the transform
    cannot be sent to a data-loading worker.

    It falls away when upstream leaves ``meta_keys`` readable twice.
    """
    from mmrazor.datasets import PackCRDClsInputs

    transform = PackCRDClsInputs.transform
    packer = PackCRDClsInputs()
    packer.transform({'img': np.zeros((1, 1, 3), np.uint8), 'sample_idx': 0})
    if tuple(packer.meta_keys) == tuple(packer.meta_keys) != ():
        return

    @functools.wraps(transform)
    def transform_repeatedly(self, results: dict) -> dict:
        meta_keys = tuple(self.meta_keys)
        try:
            return transform(self, results)
        finally:
            self.meta_keys = meta_keys

    PackCRDClsInputs.transform = transform_repeatedly
