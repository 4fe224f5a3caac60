"""A classifier against what people called the test images: the key ``people_counts``.

It names a ``.npy`` file of [N, C] counts, a row for each image of ``test_dataloader``
in its order and a column for each class in the order of its labels, such as CIFAR-10H's
``cifar10h-counts.npy``, as it is published.
"""

import math
import os.path as osp

import numpy as np
import torch
from torch import Tensor

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.functional.people import against_people, shares

SOURCE = 'https://github.com/jcpeterson/cifar-10h'
# So many standard errors above chance people must agree with the labels.
_STANDARD_ERRORS = 4


def read_people(path: str, num_samples: int, num_classes: int | None = None) -> Tensor:
    """People's distributions, [N, C] float64, rows that sum to 1, out of counts.

    Args:
        num_samples: N, of the test set.
        num_classes: C; None where it is not known yet.

    Raises:
        UserError: no such file, another one than of counts, or of other images.
    """
    path = osp.expanduser(path)
    if not osp.isfile(path):
        raise UserError(
            f'people_counts: there is no {osp.abspath(path)}; put the counts there '
            f'(those of CIFAR-10 are in {SOURCE}), or set people_counts=None'
        )
    try:
        counts = np.load(path, allow_pickle=False)
        if not isinstance(counts, np.ndarray) or counts.dtype.kind not in 'iuf':
            raise ValueError('it holds no array of numbers')
        people = shares(torch.from_numpy(counts.astype(np.float64)))
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            f'people_counts: {path}: {one_line(error)}; name a .npy file of counts, a '
            'row for each test image and a column for each class'
        ) from error
    rows, columns = people.shape
    if rows != num_samples or columns != (num_classes or columns):
        raise UserError(
            f'people_counts: {path} has {rows} rows and {columns} columns, the test '
            f'set {num_samples} images of {num_classes or "some"} classes; name the '
            'counts of test_dataloader.dataset'
        )
    return people


def people_figures(path: str, logits: Tensor, labels: Tensor) -> dict:
    """A classifier's predictions of the test set against people's.

    Args:
        logits: [N, C], in the order of the test set.
        labels: [N] class ids.

    Returns:
        :func:`~mcmi_plugin.functional.people.against_people`, distances times 100 as
        Pdist of Table 5, None for NaN; ``people_accuracy``, the share of the images,
        in per cent, of which people's most frequent answer is the label; ``counts``,
        the path.

    Raises:
        UserError: as :func:`read_people`, or people and labels agree by chance only.
    """
    people = read_people(path, *logits.shape)
    labels = labels.cpu()
    agreement = _agreement(path, people, labels)
    found = against_people(logits.cpu(), people)
    for part in ('as_is', 'fitted'):
        found[part]['distance'] *= 100
        found[part] = {
            key: value if math.isfinite(value) else None
            for key, value in found[part].items()
        }
    return dict(found, people_accuracy=100 * agreement, counts=path)


def _agreement(path: str, people: Tensor, labels: Tensor) -> float:
    """The share of the images that people call by their label.

    Raises:
        UserError: no more of them than of images in another order.
    """
    number, num_classes = people.shape
    named = people.argmax(1)
    agreement = (named == labels).double().mean().item()
    of_labels, of_people = (
        torch.bincount(ids, minlength=num_classes).double() / number
        for ids in (labels, named)
    )
    chance = float(of_labels @ of_people)
    error = math.sqrt(chance * (1 - chance) / number)
    if chance < 1 and agreement <= chance + _STANDARD_ERRORS * error:
        raise UserError(
            f'people_counts: in {path} the most frequent answer is the label of '
            f'{100 * agreement:.0f} % of the images, {100 * chance:.0f} % in any other '
            'order: its rows, or columns, are not in the order of the test set'
        )
    return agreement
