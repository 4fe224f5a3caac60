"""Images as a teacher's own data_preprocessor normalises them, out of the student's.

A distiller prepares every batch once, for its student. What the teacher was trained
with may be another mean and std, or the channels in the other order; all of it is one
scale and one shift per channel, and so is the way from one to the other.
"""

from dataclasses import dataclass

import torch
from mmengine.model import BaseDataPreprocessor, ImgDataPreprocessor
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mcmi_plugin.log import log_warning


@dataclass(frozen=True)
class Normalisation:
    """What a data_preprocessor does to the values of an image.

    Attributes:
        mean: float64 [C] or [1], in the order of the channels that come out.
        std: likewise.
        turned: whether the three channels come out in the other order.
        said: whether anything of it is said; else images pass as they are.
    """

    mean: Tensor
    std: Tensor
    turned: bool
    said: bool

    @property
    def normalises(self) -> bool:
        """Whether values of images change."""
        return bool((self.mean != 0).any() or (self.std != 1).any())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Normalisation):
            return NotImplemented
        means, stds = _alike(self.mean, other.mean), _alike(self.std, other.std)
        return self.turned == other.turned and means and stds


def _alike(first: Tensor, second: Tensor) -> bool:
    """Whether both say the same of every channel; one value stands for all."""
    one, two = first.double().cpu(), second.double().cpu()
    fit = len(one) == len(two) or 1 in (len(one), len(two))
    return fit and bool((one == two).all())


def normalisation(preprocessor: nn.Module | None) -> Normalisation | None:
    """That of mmpretrain's or mmengine's preprocessor; None for another kind."""
    if type(preprocessor) is BaseDataPreprocessor:  # which moves to its device, no more
        return Normalisation(torch.zeros(1), torch.ones(1), turned=False, said=False)
    if not isinstance(preprocessor, (ClsDataPreprocessor, ImgDataPreprocessor)):
        return None
    mean, std = torch.zeros(1).double(), torch.ones(1).double()
    if preprocessor._enable_normalize:
        mean = preprocessor.mean.double().flatten()
        std = preprocessor.std.double().flatten()
    turned = any(
        getattr(preprocessor, key, False) for key in ('to_rgb', '_channel_conversion')
    )
    said = turned or preprocessor._enable_normalize
    return Normalisation(mean, std, turned, said)


class Renormalise(nn.Module):
    """Images of one preprocessor as another one would have given them."""

    scale: Tensor
    shift: Tensor

    def __init__(self, given: Normalisation, wanted: Normalisation) -> None:
        super().__init__()
        self.turns = given.turned != wanted.turned
        # One mean for all channels is the same in either order.
        mean, std = (
            part.flip(0) if self.turns else part for part in (given.mean, given.std)
        )
        # In float64, so that the rounding is that of one step. In no checkpoint.
        for name, value in (
            ('scale', std / wanted.std),
            ('shift', (mean - wanted.mean) / wanted.std),
        ):
            self.register_buffer(name, value.float().view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """``[N, C, H, W]`` -> the same shape."""
        if self.turns and images.shape[1] == 3:
            images = images.flip(1)
        return images * self.scale.to(images.dtype) + self.shift.to(images.dtype)


def own_normalisation(
    own: nn.Module | None, common: nn.Module | None, inline: bool, tell: bool = False
) -> Normalisation | None:
    """How a teacher's images are normalised, where that is not the student's way.

    Args:
        own: the teacher's own data_preprocessor. One without a mean that leaves the
            channels as they are says nothing; for images as they come, say
            ``mean=[0] * 3, std=[1] * 3``.
        common: the distiller's, which prepares the batches. Where it says nothing,
            the pipeline may have normalised the images already, and only what the
            distillation config itself says of its teacher counts.
        inline: whether the distillation config itself says ``own``, and not the
            config that ``cfg_path`` names.
        tell: warn where the teacher says something that nobody can follow.

    Returns:
        None where the teacher sees what the student sees.
    """
    wanted, given = normalisation(own), normalisation(common)
    if wanted is not None and (not wanted.said or wanted == given):
        return None
    if wanted is None and (own is None or type(own) is type(common)):
        return None
    unknown = own if wanted is None else common if given is None else None
    if unknown is None and (given.said or inline):  # type: ignore[union-attr]
        return wanted
    if tell:
        why = (
            'the distiller has none with a mean, so the pipeline may have normalised '
            'the images already; if it has not, say '
            'model.data_preprocessor=dict(mean=[0, 0, 0], std=[1, 1, 1])'
        )
        if unknown is not None:
            why = (
                f'what {type(unknown).__name__} does to images is not known; use '
                'ClsDataPreprocessor for both networks'
            )
        log_warning(
            'the teacher sees the images as the student does, although its own '
            f'data_preprocessor is another one: {why}'
        )
    return None
