"""Auxiliary classifiers over class and rotation on every stage (HSAKD).

Yang et al., *Hierarchical Self-supervised Augmented Knowledge Distillation*,
IJCAI 2021: behind each stage stand the network's remaining stages with weights
of their own, pooling and a linear classifier over 4 C joint classes, of which
``4 y + k`` is class y turned by k quarters.
"""

from collections import OrderedDict

import torch
from mmengine.model import ModuleList
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.structures import DataSample
from torch import nn
from torch.nn.functional import cross_entropy

from ..errors import UserError
from ..functional.hierarchical import NUM_ROTATIONS, joint_labels
from ..losses.cmi_loss import CMILoss
from ..weights.loading import load_weights, read_weights


def rotate(images: torch.Tensor) -> torch.Tensor:
    """All four quarter turns, counter-clockwise: ``[N, C, H, H]`` -> ``[4N, ...]``.

    Row ``4 n + k`` is image n turned by k quarters.
    """
    turned = [torch.rot90(images, k, (2, 3)) for k in range(NUM_ROTATIONS)]
    return torch.stack(turned, dim=1).flatten(0, 1)


class AuxiliaryClassifier(ModuleList):
    """One classifier on each stage that ``backbone.auxiliary_stages`` names.

    Args:
        backbone: One of this package's backbones; its architecture is repeated,
            its weights are not shared.
        in_channels: Channels of the pooled map.
        num_classes: C; each classifier has 4 C outputs.
    """

    def __init__(
        self, backbone: BaseBackbone, in_channels: int, num_classes: int
    ) -> None:
        super().__init__(
            (
                nn.Sequential(
                    OrderedDict(
                        extractor=backbone.make_extractor(stage),
                        pool=nn.AdaptiveAvgPool2d(1),
                        flatten=nn.Flatten(),
                        fc=nn.Linear(in_channels, NUM_ROTATIONS * num_classes),
                    )
                )
                for stage in backbone.auxiliary_stages
            ),
            init_cfg=backbone.init_cfg,
        )

    def forward(self, feats: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        """Stage maps, a further map is ignored -> ``[N, 4C]`` logits of each."""
        return [branch(feat) for branch, feat in zip(self, feats, strict=False)]


@MODELS.register_module()
class AuxiliaryImageClassifier(ImageClassifier):
    """ImageClassifier whose stages carry auxiliary classifiers.

    ``mode='loss'`` runs the network and the auxiliary classifiers on all four
    rotations of the batch, so recorders find ``[4N, C]`` logits at ``head.fc``
    and ``[4N, 4C]`` ones at ``auxiliary.0``, ``auxiliary.1`` ... ``tensor`` and
    ``predict`` are those of the plain network.

    As the student of HSAKD (and as its teacher, whose losses nobody reads) it
    answers with the head's loss on the upright images alone.

    Args:
        auxiliary_only: Train the auxiliary classifiers of a finished network:
            the network is frozen, in evaluation mode, and the losses are the
            auxiliary cross-entropies on the joint labels, in nats.
        pretrained: Checkpoint of the plain network (or of this one) to start
            from; only weights of the auxiliary classifiers may be missing.
        **kwargs: As for ImageClassifier. ``backbone`` is one of this package's
            (for its ``auxiliary_stages`` and ``make_extractor``), with the
            ``out_indices`` it has by default.

    Raises:
        UserError: Another backbone, or an MCMI fine-tune of this model: the
            network would move away from its auxiliary classifiers.
    """

    takes_joined_labels = True  # see fast/joined_labels.py

    def __init__(
        self, *, auxiliary_only: bool = False, pretrained: str | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if not hasattr(self.backbone, 'auxiliary_stages'):
            raise UserError(
                f'backbone.type={type(self.backbone).__name__}: HSAKD has no '
                "auxiliary classifiers for it; take one of mcmi_plugin's CIFAR networks"
            )
        if isinstance(self.head.loss_module, CMILoss):
            raise UserError(
                'model.teacher: an MCMI fine-tune would move the network away from '
                'its auxiliary classifiers; drop mcmi and give HSAKD a teacher that '
                'was fine-tuned before they were trained'
            )
        # The stages' maps, and last what the head reads.
        self.backbone.out_indices = tuple(
            sorted({*self.backbone.auxiliary_stages, *self.backbone.out_indices})
        )
        self.auxiliary = AuxiliaryClassifier(
            self.backbone, self.head.in_channels, self.head.num_classes
        )
        self.pretrained = pretrained
        self.auxiliary_only = auxiliary_only
        if auxiliary_only:
            for module in (self.backbone, self.head):
                module.requires_grad_(False)

    def init_weights(self) -> None:
        """As mmengine's, then ``pretrained``.

        Raises:
            UserError: No such file, or not of this network.
        """
        super().init_weights()
        if self.pretrained is None:
            return
        weights, _ = read_weights(self.pretrained, 'model.pretrained')
        fresh = {f'auxiliary.{k}': v for k, v in self.auxiliary.state_dict().items()}
        load_weights(self, fresh | weights, self.pretrained, 'model.pretrained')

    def train(self, mode: bool = True) -> 'AuxiliaryImageClassifier':
        super().train(mode)
        if self.auxiliary_only:
            self.backbone.eval()
        return self

    def loss(
        self, inputs: torch.Tensor, data_samples: list[DataSample]
    ) -> dict[str, torch.Tensor]:
        """``[N, 3, H, H]`` images and their samples -> losses by name."""
        feats = self.backbone(rotate(inputs))
        joint_logits = self.auxiliary(feats)
        if self.auxiliary_only:
            labels = torch.cat([sample.gt_label for sample in data_samples])
            target = joint_labels(labels)
            return {
                f'loss_auxiliary_{i}': cross_entropy(logits, target)
                for i, logits in enumerate(joint_logits)
            }
        scores = self.head(self.neck(feats))
        return self.head._get_loss(scores[::NUM_ROTATIONS], data_samples)
