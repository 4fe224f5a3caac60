"""The synthetic data set of section A.6, whose true BCPD is known."""

import numpy as np
from mmengine.registry import DATASETS
from mmpretrain.datasets import BaseDataset

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import require_whole

NUM_CLASSES = 10
DIMENSION = 30
SPLITS = ('train', 'val', 'test')


def class_means(delta: float, seed: int) -> np.ndarray:
    """[10, 30] float64: entries drawn from -delta, 0, delta.

    They are drawn by a generator of their own, so that one seed means the same
    signs at any ``delta`` and any size of the data set.
    """
    signs = np.random.RandomState([seed, 0]).randint(-1, 2, (NUM_CLASSES, DIMENSION))
    return delta * signs


@DATASETS.register_module()
class SyntheticGaussian(BaseDataset):
    """10 classes in 30 dimensions: ``x | y ~ N(mu_y, sigma^2 I)``, y uniform.

    Every ``img`` is a float32 vector [30], which ``PackInputs`` passes on as it
    is. Its true BCPD is :func:`mcmi_plugin.functional.bayes.gaussian_posterior`.
    The splits come from streams of their own: more training samples leave the
    test set as it was.

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``.
        delta: spread of the means.
        sigma: standard deviation of every coordinate.
        num_train: samples of the split 'train'; the paper has 90,000.
        num_val: of the split 'val'.
        num_test: of the split 'test'.
        seed: of the means and all splits.
        **kwargs: as for mmpretrain's ``BaseDataset``, for example ``pipeline``.

    Raises:
        UserError: another split, or a number out of its range.
    """

    METAINFO = {'classes': tuple(str(k) for k in range(NUM_CLASSES))}

    def __init__(
        self,
        split: str,
        delta: float = 1.0,
        sigma: float = 4.0,
        num_train: int = 5000,
        num_val: int = 5000,
        num_test: int = 5000,
        seed: int = 0,
        **kwargs,
    ) -> None:
        if split not in SPLITS:
            raise UserError(
                f"SyntheticGaussian: split={split!r}; it has 'train', 'val' and 'test'"
            )
        if delta < 0 or sigma <= 0:
            raise UserError(
                f'SyntheticGaussian: delta={delta!r}, sigma={sigma!r}: delta must be 0 '
                'or more, sigma above 0'
            )
        number = dict(train=num_train, val=num_val, test=num_test)[split]
        require_whole(f'SyntheticGaussian: num_{split}', number, 1)
        self.split = split
        self.delta = delta
        self.sigma = sigma
        self.seed = seed
        self.num_samples = number
        kwargs.setdefault('serialize_data', False)  # as in Digits
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        random = np.random.RandomState([self.seed, 1 + SPLITS.index(self.split)])
        labels = random.randint(NUM_CLASSES, size=self.num_samples)
        noise = random.standard_normal((self.num_samples, DIMENSION))
        means = class_means(self.delta, self.seed)
        vectors = (means[labels] + self.sigma * noise).astype(np.float32)
        return [
            dict(img=vector, gt_label=label)
            for vector, label in zip(vectors, labels.tolist(), strict=True)
        ]
