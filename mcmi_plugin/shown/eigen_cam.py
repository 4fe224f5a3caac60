"""Eigen-CAM of a classifier, and the maps over their images (Figs. 3, 10-13)."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from mmengine.dataset import default_collate
from torch import Tensor, nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.normalisation import normalisation


def eigen_cam(network: nn.Module, layer: str, inputs: Tensor) -> np.ndarray:
    """[N, H, W] float32 from 0 to 1: Eigen-CAM (Bany Muhammad and Yeasin, 2021).

    By the package ``grad-cam``.

    The first principal component of the layer's activations, image by image,
    enlarged to the image. A principal component has no sign of its own, and
    grad-cam keeps whichever the decomposition returns, so that two networks'
    maps could differ by it alone; here the larger extreme is positive.

    Args:
        network: an mmengine classifier; left in eval mode.
        layer: name of a module of it whose output is [N, D, h, w].
        inputs: [N, 3, H, W], preprocessed.

    Raises:
        UserError: no grad-cam, no such layer, or its maps are of a single pixel.
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


def pictures_of(
    dataset: Any, ids: Iterable[int], preprocessor: nn.Module
) -> tuple[np.ndarray, Tensor]:
    """[N, H, W, 3] uint8 in RGB as they are seen, and what a network gets of them.

    Raises:
        UserError: the samples are no images.
    """
    batch = default_collate([dataset[int(i)] for i in ids])
    images = batch['inputs'].clone()
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise UserError('the samples are no images')
    way = normalisation(preprocessor)
    if way is not None and way.turned:
        images = images.flip(1)  # from BGR, as files are decoded
    with torch.no_grad():
        inputs = preprocessor(batch, False)['inputs']
    shown = images.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return np.broadcast_to(shown, (*shown.shape[:3], 3)), inputs


def draw_maps(
    panels: Sequence[Axes], images: np.ndarray, maps: np.ndarray | None, name: str
) -> None:
    """A row of N panels: [N, H, W, 3] images, under [N, H, W] maps if there are any."""
    for i, (axes, image) in enumerate(zip(panels, images, strict=True)):
        axes.imshow(image)
        if maps is not None:
            # One hue, growing darker evenly: the same to every eye, and in grey.
            axes.imshow(maps[i], cmap='inferno', alpha=0.55, vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
    panels[0].set_ylabel(name, fontsize=10)
