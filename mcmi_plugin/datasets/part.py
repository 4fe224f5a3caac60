"""The key ``data_fraction`` of a config: the same job on a part of its data.

For a first try: every stage runs as it will, on few samples of every class.
"""

from collections.abc import Callable

from mmengine.config import Config, ConfigDict

from mcmi_plugin.faults.names import Inserted

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def take_part(cfg: Config) -> None:
    """Put a ``ClassFraction`` around the innermost data sets of a config, in place.

    Those of its loaders, and the teacher's own (``mcmi.dataset``). The key goes out
    of the config then, so that the one that a run saves is not taken a part of again.

    Args:
        cfg: the config; without ``data_fraction`` it stays as it is.
    """
    fraction = cfg.pop('data_fraction', None)
    if fraction is None:
        return
    owners = [cfg[key] for key in LOADERS if cfg.get(key)]
    if (cfg.get('mcmi') or {}).get('dataset'):
        owners.append(cfg.mcmi)
    part = dict(type='ClassFraction', fraction=fraction)
    changed = [
        with_innermost(owner.dataset, lambda whole: Inserted(part, dataset=whole))
        for owner in owners
    ]
    for owner, dataset in zip(owners, changed, strict=True):
        owner.dataset = dataset


def with_innermost(
    dataset: ConfigDict, change: Callable[[ConfigDict], ConfigDict]
) -> ConfigDict:
    """A data set's config with what ``change`` makes of each one below its wrappers."""
    if 'dataset' in dataset:
        return ConfigDict(dataset, dataset=with_innermost(dataset.dataset, change))
    if 'datasets' in dataset:
        inner = [with_innermost(one, change) for one in dataset.datasets]
        return ConfigDict(dataset, datasets=inner)
    return change(dataset)
