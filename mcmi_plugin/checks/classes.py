"""As many outputs as the data have classes, before anything is trained."""

import os
import os.path as osp

from mmengine.config import Config
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

# Wrappers that leave the labels as they are.
_TRANSPARENT = ('RepeatDataset', 'ClassBalancedDataset', 'CRDDataset')


def check_classes(cfg: Config) -> None:
    """The student's and the teacher's heads have an output for every class.

    Folders of one's own, one a class, must also be the same in every split: their
    order is what the labels count. Where a data set or a network does not tell,
    nothing is checked here.

    Raises:
        UserError: it names the head and the data set.
    """
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    folders = class_folders(dataset)
    if folders is not None:
        _check_same_folders(cfg, folders)
    classes = number_of_classes(dataset)
    for side in ('architecture', 'teacher'):
        network = cfg.get('model', {}).get(side)
        head = network.get('head') if isinstance(network, dict) else None
        outputs = head.get('num_classes') if isinstance(head, dict) else None
        if classes and isinstance(outputs, int) and outputs < classes:
            raise UserError(
                f'model.{side}.head.num_classes={outputs}, but '
                f'train_dataloader.dataset ({dataset["type"]}) has {classes} classes; '
                f'set model.{side}.head.num_classes={classes}'
            )


def number_of_classes(dataset: dict) -> int | None:
    """As the config, the data set's class or its folders tell it, or None."""
    kind = dataset.get('type')
    if kind in _TRANSPARENT and isinstance(dataset.get('dataset'), dict):
        return number_of_classes(dataset['dataset'])
    classes = (dataset.get('metainfo') or {}).get('classes') or class_folders(dataset)
    if classes is None and isinstance(kind, str) and 'dataset' not in dataset:
        classes = (getattr(DATASETS.get(kind), 'METAINFO', None) or {}).get('classes')
    return len(classes) if isinstance(classes, (list, tuple)) else None


def class_folders(dataset: dict) -> list[str] | None:
    """Names of the folders that a ``CustomDataset`` takes for its classes, or None."""
    prefix = dataset.get('data_prefix') or ''
    if (
        dataset.get('type') not in ('CustomDataset', 'mmpretrain.CustomDataset')
        or dataset.get('ann_file')
        or not dataset.get('with_label', True)
        or not isinstance(prefix, str)
    ):
        return None
    root = osp.expanduser(osp.join(dataset.get('data_root') or '', prefix))
    if '://' in root or not osp.isdir(root):
        return None
    # mmengine passes over hidden ones.
    return sorted(
        e.name for e in os.scandir(root) if e.is_dir() and not e.name.startswith('.')
    )


def _check_same_folders(cfg: Config, wanted: list[str]) -> None:
    for loader in ('val_dataloader', 'test_dataloader'):
        found = class_folders((cfg.get(loader) or {}).get('dataset') or {})
        if found is None or found == wanted:
            continue
        lacking, foreign = set(wanted) - set(found), set(found) - set(wanted)
        raise UserError(
            f'{loader}.dataset: not the class folders of train_dataloader.dataset: '
            + '; '.join(
                f'{len(names)} {what} ({", ".join(sorted(names)[:3])})'
                for what, names in (('missing', lacking), ('foreign', foreign))
                if names
            )
            + '; labels count the folders, so make them the same (they may be empty)'
        )
