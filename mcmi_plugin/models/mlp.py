"""The network of the synthetic experiments (section A.6)."""

from collections.abc import Sequence

from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn


@MODELS.register_module()
class MLP(BaseBackbone):
    """Linear layers, each with a ReLU behind it.

    The paper's 3-layer MLP is ``widths=[30, 128, 128]`` with a ``LinearClsHead``
    of 128 channels as its third layer. A single width is the identity.

    Args:
        widths: of the input and of every layer. Inputs [B, ...] of as many
            elements are flattened, so images do as well.
        init_cfg: as for any mmengine module; by default PyTorch's initialisation.
    """

    def __init__(self, widths: Sequence[int], init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.layers = nn.Sequential()
        for before, after in zip(widths[:-1], widths[1:], strict=True):
            self.layers.append(nn.Linear(before, after))
            self.layers.append(nn.ReLU())

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """[B, ...] -> one feature [B, widths[-1]], as a tuple."""
        return (self.layers(inputs.flatten(1)),)
