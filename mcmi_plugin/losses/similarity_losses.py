"""AT, SP, PKT and CC as losses for a distiller."""

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..errors import UserError
from ..functional.attention import attention_transfer
from ..functional.precision import full_precision
from ..functional.similarity import (
    correlation_congruence,
    probabilistic_transfer,
    similarity_preserving,
)
from .features import check_features


class _Weighted(nn.Module):
    """A loss without parameters, times ``loss_weight``."""

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight


@MODELS.register_module()
class PooledATLoss(_Weighted):
    """AT of one stage, the larger map average-pooled to the smaller.

    MMRazor's ``ATLoss`` wants maps of equal size, where the two agree.

    Args:
        loss_weight: 1000 in the MCMI paper.
    """

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Scalar times ``loss_weight``: :func:`.attention_transfer`.

        Args:
            s_feature: [B, Cs, Hs, Ws], a stage of the student.
            t_feature: [B, Ct, Ht, Wt], the teacher's stage; constant.

        Raises:
            UserError: not two maps of one batch.
        """
        check_features(self, 'map', s_feature=s_feature, t_feature=t_feature)
        with full_precision(s_feature, t_feature) as (student, teacher):
            return self.loss_weight * attention_transfer(student, teacher)


@MODELS.register_module()
class SPLoss(_Weighted):
    """Similarity-preserving distillation of a feature map, or of tokens.

    Args:
        loss_weight: 3000 in the MCMI paper.
    """

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Scalar times ``loss_weight``: :func:`.similarity_preserving`.

        Args:
            s_feature: [B, Cs, Hs, Ws], the student's last map, or [B, L, D], the
                tokens of its last block.
            t_feature: likewise, the teacher's; constant.

        Raises:
            UserError: not two of these of one batch.
        """
        s_feature, t_feature = _as_map(s_feature), _as_map(t_feature)
        check_features(self, 'map', s_feature=s_feature, t_feature=t_feature)
        with full_precision(s_feature, t_feature) as (student, teacher):
            return self.loss_weight * similarity_preserving(student, teacher)


@MODELS.register_module()
class PKTLoss(_Weighted):
    """Probabilistic knowledge transfer of the penultimate features.

    Args:
        loss_weight: 30000 in the MCMI paper.
    """

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Scalar in nats times ``loss_weight``: :func:`.probabilistic_transfer`.

        Args:
            s_feature: [B, Ds], the student's pooled vector.
            t_feature: [B, Dt], the teacher's; constant.

        Raises:
            UserError: not two vectors of one batch.
        """
        check_features(self, 'vector', s_feature=s_feature, t_feature=t_feature)
        with full_precision(s_feature, t_feature) as (student, teacher):
            return self.loss_weight * probabilistic_transfer(student, teacher)


@MODELS.register_module()
class CCLoss(_Weighted):
    """Correlation congruence of the embedded penultimate features.

    Both features pass through a trained ``TorchNNConnector`` of type ``Linear``
    first, to a common dimension (128 in the reference implementation).

    Args:
        loss_weight: 0.02 in the MCMI paper.
    """

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Scalar times ``loss_weight``: :func:`.correlation_congruence`.

        Args:
            s_feature: [B, D], the student's embedding.
            t_feature: [B, D], the teacher's; its connector is trained too.

        Raises:
            UserError: not two vectors of one batch and one dimension.
        """
        check_features(self, 'vector', s_feature=s_feature, t_feature=t_feature)
        if s_feature.shape != t_feature.shape:
            raise UserError(
                f'connectors: CCLoss got embeddings of {s_feature.shape[1]} and '
                f'{t_feature.shape[1]} dimensions; give both connectors the same '
                'out_features'
            )
        with full_precision(s_feature, t_feature) as (student, teacher):
            return self.loss_weight * correlation_congruence(student, teacher)


def _as_map(feature: Tensor) -> Tensor:
    is_tokens = isinstance(feature, Tensor) and feature.ndim == 3
    return feature[..., None] if is_tokens else feature
