"""Pictures of what networks see and say: Eigen-CAM and t-SNE, one beside another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from mcmi_plugin.distill.seen import calls_of
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import Predictions
from mcmi_plugin.report.predictions import drawn
from mcmi_plugin.shown.blocks import Block, Picture, Text
from mcmi_plugin.shown.eigen_cam import draw_maps, eigen_cam, pictures_of
from mcmi_plugin.shown.style import new_figure, png_of
from mcmi_plugin.shown.tsne import MOST_NAMED, draw_embedding, embed

NUM_EMBEDDED = 250  # of each network; t-SNE takes seconds for them
_NUM_IMAGES = 4


def output_space(predictions: Mapping[str, Predictions]) -> list[Block]:
    """t-SNE of every network's outputs for the same few hundred samples, in one.

    Raises:
        UserError: as :func:`embed`.
    """
    some = next(iter(predictions.values()))
    number, labels = len(some.labels), some.labels.numpy()
    outputs = [p.logits.double().softmax(1).numpy() for p in predictions.values()]
    points = np.split(embed(np.concatenate(outputs)), len(outputs))
    # Three to a row of the page, where larger ones would be too small to read.
    figures = [new_figure(height=3.1, width=3.3) for _ in points]
    panels = [figure.subplots() for figure in figures]
    draw_embedding(panels, points, labels, some.classes, [''] * len(points))
    words = (
        f't-SNE of the output probabilities for {number} validation samples, the '
        'same ones for each network and all in one embedding, so that the pictures '
        'have one scale. Close points are alike; distances between clusters mean '
        'little.'
    )
    if len(np.unique(labels)) > MOST_NAMED:
        words += f' Named are the {MOST_NAMED} classes with the most samples.'
    alt = 't-SNE of the outputs of: {}; one point a sample, by true class'
    pictures = [
        Picture(png_of(figure), alt.format(name), name)
        for name, figure in zip(predictions, figures, strict=True)
    ]
    return [Text(words), *pictures]


def eigen_cams(
    networks: Mapping[str, nn.Module], preprocessor: nn.Module, dataset: Any
) -> list[Block]:
    """A few images, and under them the map of each network, column by column.

    Raises:
        UserError: the package grad-cam is missing, or the samples are no images.
    """
    ids = drawn(len(dataset), _NUM_IMAGES)
    shown, inputs = pictures_of(dataset, ids, preprocessor)
    layers = {name: last_map(network, inputs) for name, network in networks.items()}
    maps = {n: eigen_cam(net, layers[n], inputs) for n, net in networks.items()}
    figure = new_figure(height=1.1 * (1 + len(maps)), width=1.1 * len(shown) + 0.5)
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
    return [Picture(png_of(figure), words, caption)]


def last_map(network: nn.Module, inputs: Tensor) -> str:
    """Name of the last stage of a network whose output still is a picture.

    Raises:
        UserError: none is.
    """
    calls, _ = calls_of(network, inputs, mode='tensor')
    ended = [call.name for call in calls if call.name and _is_picture(call.output)]
    # Of the layers of a stage the whole stage is meant.
    stages = [name for name in ended if name.count('.') == 1]
    if not ended:
        raise UserError('no layer has an output with a picture')
    return (stages or ended)[-1]


def _is_picture(output: Any) -> bool:
    is_map = isinstance(output, Tensor) and output.ndim == 4
    return is_map and output.shape[-1] * output.shape[-2] > 1
