"""As many outputs as the data have classes, before anything is trained."""

from mmengine.config import Config
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

# Wrappers that leave the labels as they are.
_TRANSPARENT = ('RepeatDataset', 'ClassBalancedDataset', 'CRDDataset')


def check_classes(cfg: Config) -> None:
    """The student's and the teacher's heads have an output for every class.

    Where a data set or a network does not tell, nothing is checked here.

    Raises:
        UserError: it names the head and the data set.
    """
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
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
    """As the config or the data set's class tells it, or None."""
    kind = dataset.get('type')
    if kind in _TRANSPARENT and isinstance(dataset.get('dataset'), dict):
        return number_of_classes(dataset['dataset'])
    classes = (dataset.get('metainfo') or {}).get('classes')
    if classes is None and isinstance(kind, str) and 'dataset' not in dataset:
        classes = (getattr(DATASETS.get(kind), 'METAINFO', None) or {}).get('classes')
    return len(classes) if isinstance(classes, (list, tuple)) else None
