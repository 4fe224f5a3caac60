"""Measures that pictures are drawn from; arrays go into files of the run's folder."""

import os
import os.path as osp
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.datasets.class_selection import ids_of_classes
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.people import read_people
from mcmi_plugin.shown.eigen_cam import eigen_cam as eigen_cam_of
from mcmi_plugin.shown.eigen_cam import pictures_of
from mcmi_study.passes import loader_of, network_of, passed

NUM_EMBEDDED = 400  # samples of each teacher; t-SNE takes seconds for them
NUM_IMAGES = 4  # as in Fig. 3
NUM_CONTESTED = 6


def output_probabilities(runner: Runner, cfg: Config) -> str | None:
    """The teacher's softmax outputs on 400 test samples, for t-SNE (Fig. 6).

    Returns:
        Path of an .npz file: ``probabilities`` [N, C] float32, ``labels`` [N] and
        ``classes`` [C] names; the samples are the same in every run.
    """
    found = passed(runner, cfg, 'teacher', 'test')
    if found is None:
        return None
    drawn = _draw(np.arange(len(found.labels)), NUM_EMBEDDED)
    return _saved(
        runner,
        'output_probabilities',
        probabilities=found.logits[drawn].double().softmax(1).float().numpy(),
        labels=found.labels[drawn].numpy(),
        classes=np.array(found.classes),
    )


def eigen_cam(runner: Runner, cfg: Config) -> str | None:
    """Eigen-CAM of the teacher on test images (Figs. 3, 10-13).

    The config's ``eigen_cam`` says where: ``target_layer``, the name of a module
    of the teacher; ``num_images``, 4 by default; and optionally ``classes``, by
    name or id, to draw so many images from each.

    Returns:
        Path of an .npz file: ``images`` [N, H, W, 3] uint8, ``maps`` [N, H, W]
        float32 from 0 to 1, ``groups`` [N], names of their classes or empty, and
        ``layer``; the images are the same in every run.

    Raises:
        UserError: no target layer is set, or there is no such layer or class.
    """
    teacher = network_of(runner, 'teacher')
    if teacher is None:
        return None
    options = cfg.get('eigen_cam', {})
    if 'target_layer' not in options:
        raise UserError(
            'eigen_cam.target_layer is not set; name the last layer of the teacher '
            "whose output has a picture, for example 'backbone.layer4'"
        )
    dataset: Any = loader_of(runner, cfg, 'test').dataset  # mmpretrain's
    labels = np.asarray(dataset.get_gt_labels())
    number = options.get('num_images', NUM_IMAGES)
    drawn, groups = _draw(np.arange(len(labels)), number), [''] * number
    if options.get('classes'):
        names = list(dataset.metainfo['classes'])
        ids = [
            min(ids_of_classes([c], names, 'eigen_cam.classes'))
            for c in options.classes
        ]
        parts = [_draw(np.flatnonzero(labels == c), number) for c in ids]
        groups = [names[c] for c, part in zip(ids, parts, strict=True) for _ in part]
        drawn = np.concatenate(parts)
    images, inputs = pictures_of(dataset, drawn, teacher.preprocessor)
    return _saved(
        runner,
        'eigen_cam',
        images=images,
        maps=eigen_cam_of(teacher.network, options.target_layer, inputs),
        groups=np.array(groups[: len(drawn)]),
        layer=np.array(options.target_layer),
    )


def people_answers(runner: Runner, cfg: Config) -> str | None:
    """What people and the teacher call the test images that people disagree over most.

    Returns:
        Path of an .npz file: ``images`` [N, H, W, 3] uint8, ``people`` and ``teacher``
        [N, C] probabilities, ``labels`` [N] and ``classes`` [C] names, for the images
        of the highest entropy of people's answers; None without a teacher or without
        ``people_counts``.

    Raises:
        UserError: as :func:`.read_people`, or the samples are no images.
    """
    counts = cfg.get('people_counts')
    teacher = network_of(runner, 'teacher') if counts else None
    found = passed(runner, cfg, 'teacher', 'test') if teacher else None
    if teacher is None or found is None:
        return None
    people = read_people(counts, *found.logits.shape)
    entropy = torch.special.entr(people).sum(1)
    contested = entropy.argsort(descending=True, stable=True)[:NUM_CONTESTED]
    dataset = loader_of(runner, cfg, 'test').dataset
    images, _ = pictures_of(dataset, contested, teacher.preprocessor)
    return _saved(
        runner,
        'people_answers',
        images=images,
        people=people[contested].numpy(),
        teacher=found.logits[contested].double().softmax(1).numpy(),
        labels=found.labels[contested].numpy(),
        classes=np.array(found.classes),
    )


def _draw(eligible: np.ndarray, number: int) -> np.ndarray:
    # A seed of its own: arms and seeds of a study show the same samples.
    return np.random.RandomState(0).permutation(eligible)[:number]


def _saved(runner: Runner, name: str, **arrays: Any) -> str:
    path = osp.join(runner.work_dir, f'{name}.npz')
    np.savez_compressed(path, **arrays)
    return path.removeprefix(f'{os.getcwd()}{os.sep}')  # results may be moved
