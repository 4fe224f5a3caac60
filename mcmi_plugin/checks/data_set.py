"""A data set of a config as its own class sees it, before a sample is read.

Which folder, which list of files and which class names are meant is decided by the
data set's class, so that one is asked and not imitated.
"""

import copy
import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, DefaultScope
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.custom import find_folders

from mcmi_plugin.type_names import short_name


def as_seen_by_its_class(config: dict, scope: str | None = None) -> BaseDataset | None:
    """The data set of a config, its paths joined and nothing loaded, or None.

    None for a wrapper, for a class that is not mmengine's kind of data set, and for
    one that refuses its arguments: it will do so again when it is built for good,
    where that is explained.

    Args:
        config: of the data set; its pipeline is left out.

    Raises:
        OSError: a file that the arguments name cannot be read.
    """
    kind = class_of(config, scope)
    if kind is None or 'dataset' in config or 'datasets' in config:
        return None
    arguments = {k: v for k, v in config.items() if k not in ('type', '_scope_')}
    arguments = copy.deepcopy(dict(arguments, pipeline=[], lazy_init=True))
    with DefaultScope.overwrite_default_scope(scope or 'mmpretrain'), _in_silence():
        try:
            return kind(**arguments)
        except OSError:
            raise
        except Exception:  # of any class: the constructor may be the user's own
            return None


def class_of(config: dict, scope: str | None = None) -> type[BaseDataset] | None:
    """The class of a data set; None for one that is not of mmengine's kind."""
    kind = config.get('type')
    if isinstance(kind, str):
        with (
            DefaultScope.overwrite_default_scope(scope or 'mmpretrain'),
            DATASETS.switch_scope_and_registry(config.get('_scope_')) as registry,
        ):
            kind = registry.get(kind)
    return kind if inspect.isclass(kind) and issubclass(kind, BaseDataset) else None


def class_folders(dataset: Any) -> list[str] | None:
    """Names of the folders that a data set takes for its classes, or None.

    Hidden ones are among them, as for torchvision's ``ImageFolder``.
    """
    if not reads_folders(dataset) or not dataset.with_label:
        return None
    try:
        return find_folders(dataset.img_prefix)[0]
    except OSError:
        return None  # it is not there: said elsewhere


def known_class_names(dataset: Any) -> list[str] | None:
    """Names of the classes in the order of their labels, or None."""
    names = dataset.metainfo.get('classes') if dataset is not None else None
    if isinstance(names, (list, tuple)):
        return list(map(str, names))
    return class_folders(dataset)


def reads_folders(dataset: Any) -> bool:
    """Whether the samples are what mmpretrain's ``CustomDataset`` finds on a disk."""
    return (
        isinstance(dataset, CustomDataset)
        and not dataset.ann_file
        and type(dataset).load_data_list is CustomDataset.load_data_list
        and type(dataset)._find_samples is CustomDataset._find_samples
        and '://' not in dataset.img_prefix
    )


def place_of_data(config: dict) -> str:
    """The argument of a data set that says where its data are."""
    prefix = config.get('data_prefix')
    if config.get('data_root') or not prefix:
        return 'data_root'
    return f'data_prefix.{min(prefix)}' if isinstance(prefix, dict) else 'data_prefix'


def type_name(config: dict) -> str:
    """The short name of a data set's type, which may be a name or the class."""
    return short_name(config.get('type', 'data set'))


@contextmanager
def _in_silence() -> Iterator[None]:
    # What a constructor has to say, it says again when the data set is built.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
