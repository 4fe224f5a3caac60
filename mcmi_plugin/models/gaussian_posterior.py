"""The teacher that knows the true BCPD of the synthetic data set."""

import torch
from mmengine.registry import MODELS
from mmpretrain.models.classifiers import ImageClassifier

from mcmi_plugin.datasets.synthetic_gaussian import (
    DIMENSION,
    NUM_CLASSES,
    class_means,
)
from mcmi_plugin.functional.bayes import gaussian_posterior


@MODELS.register_module()
class GaussianPosterior(ImageClassifier):
    """A classifier whose softmax is the exact BCPD: Table 5's "Ground Truth".

    One linear layer, ``head.fc``, whose weights follow from the class means, so
    there is nothing to train or load. It stands as ``model.teacher`` of any
    distiller that reads ``head.fc``.

    Args:
        delta, sigma, seed: those of the ``SyntheticGaussian``.
        data_preprocessor: as for ``ImageClassifier``.
    """

    # Lets a config pass without a checkpoint (checks/teacher.py).
    needs_no_training = True

    def __init__(
        self,
        delta: float = 1.0,
        sigma: float = 4.0,
        seed: int = 0,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(
            backbone=dict(type='MLP', widths=[DIMENSION]),
            head=dict(
                _scope_='mmpretrain',  # a distiller's scope has another loss
                type='LinearClsHead',
                num_classes=NUM_CLASSES,
                in_channels=DIMENSION,
            ),
            data_preprocessor=data_preprocessor,
        )
        self.means = class_means(delta, seed)
        self.sigma = sigma
        self.init_weights()

    @torch.no_grad()
    def init_weights(self) -> None:
        """Put the exact weights in; a Runner would draw random ones."""
        weight, bias = gaussian_posterior(torch.from_numpy(self.means), self.sigma)
        self.head.fc.weight.copy_(weight)
        self.head.fc.bias.copy_(bias)
