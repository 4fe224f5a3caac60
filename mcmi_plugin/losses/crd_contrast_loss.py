"""Contrastive representation distillation as a loss for a distiller."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine import dist
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..errors import UserError
from ..functional.contrastive import (
    bank_similarity,
    noise_contrastive,
    update_bank,
)
from ..functional.negatives import ClassOrder, class_order, draw_negatives
from ..functional.precision import full_precision
from .features import check_features


@MODELS.register_module()
class CRDContrastLoss(nn.Module):
    """CRD with its memory banks, for any data set MMRazor's ``CRDLoss`` refuses.

    Negatives are drawn for the whole batch on the device, so classes may be uneven
    and nothing is shipped per sample. They are independent draws of other classes,
    as noise-contrastive estimation has it; the reference draws without replacement
    where a class leaves enough, which has the same expectation.

    Both embeddings come through a trained ``CRDConnector``. The banks are as large
    as the training set: ``CRDBankHook`` has to be among the ``custom_hooks``.

    Args:
        embed_dim: D.
        num_negatives: K.
        temperature: of the similarities.
        momentum: share of the old embedding in an update of the banks.
        loss_weight: 0.8 in the MCMI paper.

    Attributes:
        student_bank, teacher_bank: [N, D], latest unit embedding of every sample.
            In the state dict, and equal on all processes.
        normaliser: [2], the constants Z of student and teacher, set by the first
            batch and kept; 0 before that.
    """

    student_bank: Tensor
    teacher_bank: Tensor
    normaliser: Tensor
    labels: Tensor
    order: Tensor
    start: Tensor
    count: Tensor

    takes_joined_labels = True  # see fast/joined_labels.py

    def __init__(
        self,
        embed_dim: int = 128,
        num_negatives: int = 16384,
        temperature: float = 0.07,
        momentum: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.momentum = momentum
        self.loss_weight = loss_weight
        self.register_buffer('student_bank', torch.empty(0, embed_dim))
        self.register_buffer('teacher_bank', torch.empty(0, embed_dim))
        self.register_buffer('normaliser', torch.zeros(2))
        # Known from the data set, hence not part of a checkpoint.
        for name in ('labels', *ClassOrder._fields):
            empty = torch.empty(0, dtype=torch.int64)
            self.register_buffer(name, empty, persistent=False)

    def prepare(self, labels: Tensor) -> None:
        """Size the banks for a training set, and fill them with noise.

        Args:
            labels: [N] int64 class ids of all training samples, in their order.

        Raises:
            UserError: a single class, which leaves no negatives.
        """
        labels = labels.to(self.normaliser.device)
        try:
            classes = class_order(labels)
        except ValueError as error:
            raise UserError(f'train_dataloader.dataset: CRD: {error}') from error
        self.labels = labels
        self.order, self.start, self.count = classes
        for name in ('student_bank', 'teacher_bank'):
            old = getattr(self, name)
            bound = (3 / old.shape[1]) ** 0.5
            bank = old.new_empty(len(labels), old.shape[1]).uniform_(-bound, bound)
            dist.broadcast(bank)  # processes may be seeded apart
            setattr(self, name, bank)
        self.normaliser.zero_()

    def forward(
        self, s_feature: Tensor, t_feature: Tensor, data_samples: Sequence[Any]
    ) -> Tensor:
        """Contrast a batch with fresh negatives, then update the banks.

        Args:
            s_feature: [B, D], the student's unit embedding.
            t_feature: [B, D], the teacher's; its connector is trained too.
            data_samples: B data samples with a ``sample_idx`` in their metainfo.

        Returns:
            Scalar in nats times loss_weight.

        Raises:
            UserError: no vectors of D, no banks, or no usable sample indices.
        """
        self._check(s_feature, t_feature)
        index = self._sample_index(data_samples).to(s_feature.device, non_blocking=True)
        classes = ClassOrder(self.order, self.start, self.count)
        negatives = draw_negatives(classes, self.labels[index], self.num_negatives)
        contrast_index = torch.cat([index[:, None], negatives], 1)
        return self.contrast(s_feature, t_feature, index, contrast_index)

    def contrast(
        self,
        s_feature: Tensor,
        t_feature: Tensor,
        index: Tensor,
        contrast_index: Tensor,
    ) -> Tensor:
        """:meth:`forward` for given samples: each network against the other's bank.

        Args:
            s_feature: [B, D].
            t_feature: [B, D].
            index: [B] int64, the samples' own.
            contrast_index: [B, 1 + K] int64, own index first, then the negatives.
        """
        with full_precision(s_feature, t_feature) as (student, teacher):
            scores = [
                (
                    bank_similarity(bank, embedding, contrast_index) / self.temperature
                ).exp()
                for embedding, bank in (
                    (student, self.teacher_bank),
                    (teacher, self.student_bank),
                )
            ]
            self._set_normaliser(scores)
            n_data = len(self.student_bank)
            first, second = (
                noise_contrastive(score / z, n_data)
                for score, z in zip(scores, self.normaliser.clone(), strict=True)
            )
            self._update_banks(index, student, teacher)
            return self.loss_weight * (first + second)

    @torch.no_grad()
    def _set_normaliser(self, scores: list[Tensor]) -> None:
        """Z = N * mean score of the first batch, over all processes.

        The mean is taken in every step because to ask whether it is needed would be
        to wait for the device.
        """
        z = torch.stack([score.mean() for score in scores]) * len(self.student_bank)
        dist.all_reduce(z, op='mean')
        self.normaliser.copy_(torch.where(self.normaliser > 0, self.normaliser, z))

    def _update_banks(self, index: Tensor, student: Tensor, teacher: Tensor) -> None:
        """Write the embeddings of all processes, so that the banks stay equal."""
        index, student, teacher = (
            torch.cat(dist.all_gather(part.detach().contiguous()))
            for part in (index, student, teacher)
        )
        update_bank(self.student_bank, index, student, self.momentum)
        update_bank(self.teacher_bank, index, teacher, self.momentum)

    def _check(self, s_feature: Tensor, t_feature: Tensor) -> None:
        check_features(self, 'vector', s_feature=s_feature, t_feature=t_feature)
        n_data, embed_dim = self.student_bank.shape
        if not n_data:
            raise UserError(
                'custom_hooks: CRDContrastLoss has no memory banks; add '
                "dict(type='CRDBankHook')"
            )
        for key, feature in (('s_feature', s_feature), ('t_feature', t_feature)):
            if feature.shape[1] != embed_dim:
                raise UserError(
                    f'connectors: {key} of CRDContrastLoss has {feature.shape[1]} '
                    f'dimensions, embed_dim is {embed_dim}; give it a CRDConnector '
                    f'with dim_out={embed_dim}'
                )

    def _sample_index(self, data_samples: Sequence[Any]) -> Tensor:
        """[B] int64; checked on the CPU, where that is not to wait."""
        try:
            # One index a sample, or one tensor of them for a whole resident batch.
            parts = [torch.as_tensor(s.sample_idx).reshape(-1) for s in data_samples]
        except AttributeError as error:
            raise UserError(
                'loss_forward_mappings: data_samples of CRDContrastLoss lack '
                "sample_idx; record ModuleInputs of source '' with data_idx=1, and "
                "keep 'sample_idx' in meta_keys of PackInputs in train_pipeline"
            ) from error
        index = torch.cat(parts)
        n_data = len(self.student_bank)
        if index.device.type == 'cpu' and (largest := int(index.max())) >= n_data:
            raise UserError(
                f'train_dataloader.dataset: sample_idx {largest} in a training set '
                f'of {n_data}; CRD needs an index of its own for every sample'
            )
        return index
