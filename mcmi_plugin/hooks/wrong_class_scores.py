"""A classifier seen without the label of each sample."""

from mmengine.model import BaseModel
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn

from mcmi_plugin.evaluation.predictions import hard_labels
from mcmi_plugin.functional.rewards import without_label


class WrongClassScores(nn.Module):
    """The same classifier, the softmax of whose logits is ``P_x`` without the label.

    So that one pass of :func:`mcmi_plugin.evaluation.measure.measure` takes the
    centroids of the wrong classes.

    Args:
        model: an mmengine classifier, wrapped for several processes or not.
    """

    def __init__(self, model: BaseModel) -> None:
        super().__init__()
        self.model: BaseModel = get_ori_model(model)
        self.data_preprocessor = self.model.data_preprocessor
        self.training = model.training

    def forward(self, inputs: Tensor, data_samples: list, mode: str) -> Tensor:
        """[B, C] logits, the label's a large negative number."""
        logits = self.model(inputs, data_samples, mode=mode)
        return without_label(logits, hard_labels(data_samples).to(logits.device))
