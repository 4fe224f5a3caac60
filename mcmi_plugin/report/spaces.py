"""Pictures of what networks see and say: Eigen-CAM and t-SNE, one beside another."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.dataset import default_collate
from torch import Tensor, nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.report.eigen_cam import draw_maps, eigen_cam
from mcmi_plugin.report.page import Block, Picture, Text
from mcmi_plugin.report.predictions import Predictions, drawn
from mcmi_plugin.report.tsne import draw_embedding, embed

NUM_EMBEDDED = 250  # of each network; t-SNE takes seconds for them
NUM_IMAGES = 4


def output_space(predictions: Mapping[str, Predictions]) -> list[Block]:
    """t-SNE of every network's output probabilities, in one embedding.

    Args:
        predictions: by the network's name, all of the same few hundred samples.
    """
    some = next(iter(predictions.values()))
    number, labels = len(some.labels), some.labels.numpy()
    if number < 4:
        return [Text(f'No t-SNE: {number} samples are too few.')]
    outputs = [p.logits.double().softmax(1).numpy() for p in predictions.values()]
    points = np.split(embed(np.concatenate(outputs)), len(outputs))
    everywhere = np.concatenate(points)
    low, high = everywhere.min(0), everywhere.max(0)
    margin = 0.06 * (high - low)
    blocks: list[Block] = [
        Text(
            f't-SNE of the output probabilities for {number} validation samples, the '
            'same ones for each network and all in one embedding, so that the '
            'pictures have one scale. Close points are alike; distances between '
            'clusters mean little.'
        )
    ]
    for name, xy in zip(predictions, points, strict=True):
        figure = Figure(figsize=(4.6, 4.2), layout='constrained')
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw_embedding(axes, xy, labels, some.classes)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        words = f't-SNE of the outputs of: {name}; one point a sample, by true class'
        blocks.append(Picture(_png(figure), words, name))
    return blocks


def eigen_cams(
    networks: Mapping[str, nn.Module], preprocessor: nn.Module, dataset: Any
) -> list[Block]:
    """A few images, and under them the map of each network, column by column.

    Args:
        networks: by name.
        preprocessor: of their algorithm.
        dataset: of images, of mmpretrain's form.

    Raises:
        UserError: the package grad-cam is missing, or the samples are no images.
    """
    samples = [dataset[int(i)] for i in drawn(len(dataset), NUM_IMAGES)]
    batch = default_collate(samples)
    images = batch['inputs'].clone()
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise UserError('the samples are no images')
    if getattr(preprocessor, 'to_rgb', False):
        images = images.flip(1)  # from BGR, as files are decoded
    with torch.no_grad():
        inputs = preprocessor(batch, False)['inputs']
    shown = images.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    if shown.shape[-1] == 1:
        shown = shown.repeat(3, axis=-1)
    layers = {name: last_map(network, inputs) for name, network in networks.items()}
    maps = {n: eigen_cam(net, layers[n], inputs) for n, net in networks.items()}
    figure = Figure(
        figsize=(1.1 * len(shown) + 0.5, 1.1 * (1 + len(maps))), layout='constrained'
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(1 + len(maps), len(shown), squeeze=False)
    draw_maps(panels[0], shown, None, 'image')
    for row, (name, found) in zip(panels[1:], maps.items(), strict=True):
        draw_maps(row, shown, found, name.replace(', ', ',\n'))
    where = ', '.join(f'{name} at {layer}' for name, layer in layers.items())
    caption = (
        f"Eigen-CAM, the first principal component of a layer's activations, bright: "
        f'most; {len(shown)} validation images; {where}.'
    )
    words = f'{len(shown)} images in a row, below them the maps of {", ".join(maps)}'
    return [Picture(_png(figure), words, caption)]


@torch.no_grad()
def last_map(network: nn.Module, inputs: Tensor) -> str:
    """Name of the last stage of a network whose output still is a picture.

    Args:
        network: an mmengine classifier.
        inputs: [N, 3, H, W], preprocessed.

    Raises:
        UserError: none is.
    """
    ended: list[str] = []

    def note(name: str):
        def hook(module, args, output) -> None:
            maps = isinstance(output, Tensor) and output.ndim == 4
            if maps and output.shape[-1] * output.shape[-2] > 1:
                ended.append(name)

        return hook

    handles = [
        module.register_forward_hook(note(name))
        for name, module in network.named_modules()
        if name
    ]
    try:
        network(inputs, mode='tensor')
    finally:
        for handle in handles:
            handle.remove()
    # Of the layers of a stage the whole stage is meant.
    stages = [name for name in ended if name.count('.') == 1]
    if not ended:
        raise UserError('no layer has an output with a picture')
    return (stages or ended)[-1]


def _png(figure: Figure) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, dpi=160, metadata=dict(Software=None))
    return png.getvalue()
