"""The key ``data_fraction`` of a config: the same job on a part of its data.

For a first try: every stage runs as it will, on few samples of every class.
"""

from mmengine.config import Config, ConfigDict

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
    parts = [_part(owner.dataset, fraction) for owner in owners]
    for owner, part in zip(owners, parts, strict=True):
        owner.dataset = part


def _part(dataset: ConfigDict, fraction: float) -> ConfigDict:
    if 'dataset' in dataset:
        return ConfigDict(dataset, dataset=_part(dataset.dataset, fraction))
    if 'datasets' in dataset:
        inner = [_part(one, fraction) for one in dataset.datasets]
        return ConfigDict(dataset, datasets=inner)
    return ConfigDict(type='ClassFraction', fraction=fraction, dataset=dataset)
