"""Eigen-CAM of a classifier, and the maps over their images (Figs. 3, 10-13)."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from mcmi_plugin.errors import UserError


def eigen_cam(network: nn.Module, layer: str, inputs: Tensor) -> np.ndarray:
    """Eigen-CAM (Bany Muhammad and Yeasin, 2021) by the package ``grad-cam``.

    The first principal component of the layer's activations, image by image,
    enlarged to the image. A principal component has no sign of its own, and
    grad-cam keeps whichever the decomposition returns, so that two networks'
    maps could differ by it alone; here the larger extreme is positive.

    Args:
        network: an mmengine classifier; left in eval mode.
        layer: name of a module of it whose output is [N, D, h, w], for example
            ``'backbone.layer3'``.
        inputs: [N, 3, H, W], preprocessed.

    Returns:
        [N, H, W] float32 from 0 to 1.

    Raises:
        UserError: grad-cam is not installed, no such layer, or one whose maps are
            of a single pixel.
    """
    try:
        from pytorch_grad_cam import EigenCAM
    except ImportError as error:
        raise UserError(
            'eigen_cam needs the package grad-cam: pip install grad-cam'
        ) from error
    modules = dict(network.named_modules())
    if layer not in modules:
        children = [name for name in modules if name.count('.') == 1]
        raise UserError(
            f'eigen_cam.target_layer={layer!r}: the teacher has no such module; there '
            f'is {", ".join(children)}'
        )

    class SignedEigenCAM(EigenCAM):
        def get_cam_image(self, input_tensor, target_layer, targets, activations, *_):
            if activations.ndim != 4 or activations.shape[-2:] == (1, 1):
                raise UserError(
                    f'eigen_cam.target_layer={layer!r}: its output is '
                    f'{list(activations.shape)}, which has no picture; name an '
                    'earlier layer'
                )
            maps = super().get_cam_image(
                input_tensor, target_layer, targets, activations, *_
            )
            upside_down = -maps.min((1, 2)) > maps.max((1, 2))
            return np.where(upside_down[:, None, None], -maps, maps)

    with SignedEigenCAM(network, [modules[layer]]) as cam, torch.no_grad():
        return cam(inputs, targets=None)


def draw_maps(
    panels: Sequence[Axes], images: np.ndarray, maps: np.ndarray | None, name: str
) -> None:
    """One row of pictures: the images, under their maps if there are any.

    Args:
        panels: N empty panels.
        images: [N, H, W, 3] uint8.
        maps: [N, H, W] from 0 to 1, or None.
        name: of the row.
    """
    for i, (axes, image) in enumerate(zip(panels, images, strict=True)):
        axes.imshow(image)
        if maps is not None:
            # One hue, growing darker evenly: the same to every eye, and in grey.
            axes.imshow(maps[i], cmap='inferno', alpha=0.55, vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
    panels[0].set_ylabel(name, fontsize=10)
