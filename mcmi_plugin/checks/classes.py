"""As many outputs as the data have classes, before anything is trained."""

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpretrain.datasets import CustomDataset

from mcmi_plugin.checks.data_set import (
    as_seen_by_its_class,
    class_folders,
    class_names,
    type_name,
)
from mcmi_plugin.checks.folders import hidden, misplaced
from mcmi_plugin.errors import UserError

# Wrappers that leave the labels as they are.
_TRANSPARENT = ('RepeatDataset', 'ClassBalancedDataset', 'CRDDataset')


def check_classes(cfg: Config) -> None:
    """The student's and the teacher's heads have an output for every class.

    Folders of one's own, one a class, must also be the same in every split, and class
    names in the same order: that is what the labels count. Where a data set or a
    network does not tell, nothing is checked here.

    Raises:
        UserError: it names the head and the data set.
    """
    scope = cfg.get('default_scope')
    config = _labelled((cfg.get('train_dataloader') or {}).get('dataset') or {})
    dataset = _seen(config, scope)
    for key in ('val_dataloader.dataset', 'test_dataloader.dataset', 'mcmi.dataset'):
        other = _seen(_labelled(_at(cfg, key) or {}), scope)
        _check_same_folders(key, other, dataset)
        if key != 'test_dataloader.dataset':  # which is not read here
            _check_same_names(key, other, dataset)
    names = _number_counts(config, dataset) and class_names(dataset)
    for side in ('architecture', 'teacher'):
        network = cfg.get('model', {}).get(side)
        head = network.get('head') if isinstance(network, dict) else None
        outputs = head.get('num_classes') if isinstance(head, dict) else None
        if names and isinstance(outputs, int) and outputs < len(names):
            raise UserError(
                f'model.{side}.head.num_classes={outputs}, but '
                f'train_dataloader.dataset ({type_name(config)}) has {len(names)} '
                f'classes{hidden(class_folders(dataset) or [])}; set '
                f'model.{side}.head.num_classes={len(names)}'
            )


def _at(cfg: Config, key: str) -> dict | None:
    part = cfg
    for name in key.split('.'):
        part = (part or {}).get(name)
    return part


def _labelled(config: dict) -> dict:
    """The data set that says what the labels are, inside its wrappers."""
    while type_name(config) in _TRANSPARENT and isinstance(config.get('dataset'), dict):
        config = config['dataset']
    return config


def _seen(config: dict, scope: str | None) -> BaseDataset | None:
    try:
        return as_seen_by_its_class(config, scope)
    except OSError:
        return None  # of a data set that this training may not need


def _number_counts(config: dict, dataset: BaseDataset | None) -> bool:
    """Whether the labels must be as many as the names.

    A list of files under a class's own thousand names may be of any of them.
    """
    if isinstance(dataset, CustomDataset) and dataset.ann_file:
        return bool(
            (config.get('metainfo') or {}).get('classes') or config.get('classes')
        )
    return True


def _check_same_folders(
    key: str, dataset: BaseDataset | None, of_training: BaseDataset | None
) -> None:
    found, wanted = class_folders(dataset), class_folders(of_training)
    # A test set without folders has no labels, and is not asked for any in training.
    if not found or wanted is None or found == wanted:
        return
    lacking, foreign = set(wanted) - set(found), set(found) - set(wanted)
    raise UserError(
        f'{key}: not the class folders of train_dataloader.dataset: '
        + '; '.join(
            f'{len(names)} {what} ({", ".join(sorted(names)[:3])})'
            for what, names in (('missing', lacking), ('foreign', foreign))
            if names
        )
        + '; labels count the folders, hidden ones too, so make them the same (they '
        'may be empty)'
    )


def _check_same_names(
    key: str, dataset: BaseDataset | None, of_training: BaseDataset | None
) -> None:
    found, wanted = class_names(dataset) or [], class_names(of_training) or []
    wrong = misplaced(found, wanted)
    if wrong is not None:
        raise UserError(
            f'{key}: class {wrong} is called {found[wrong]!r}, another class than in '
            'train_dataloader.dataset; give both the same names in the same order'
        )
