"""The key ``data_fraction`` of a config: the same job on a part of its data.

For a first try: every stage runs as it will, on few samples of every class.
"""

from mmengine.config import Config

from mcmi_plugin.datasets.configs import with_innermost
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
