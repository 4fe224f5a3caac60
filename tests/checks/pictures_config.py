"""A config of training and validation pictures, and what is said of it."""

import pytest
from mmengine.config import Config

from mcmi_plugin.commands import parser
from mcmi_plugin.errors import UserError

KEY = 'train_dataloader.dataset'


def config(root, train: dict | None = None, val: dict | None = None, **more) -> Config:
    def dataset(split, given):
        own = dict(type='CustomDataset', data_root=str(root), data_prefix=split)
        return dict(dataset={**own, **(given or {})})

    loaders = dict(
        train_dataloader=dataset('train', train), val_dataloader=dataset('val', val)
    )
    return Config(dict(loaders, default_scope='mmpretrain', **more))


def error_of(check, cfg: Config) -> str:
    with pytest.raises(UserError) as caught:
        check(cfg)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def with_its_override(cfg: Config, message: str) -> Config:
    """The config with the override that the message ends in, read as a flag."""
    words = message.split('--cfg-options ')[1].strip("'")
    options = parser('').parse_args(['config.py', '--cfg-options', words]).cfg_options
    cfg.merge_from_dict(options)
    return cfg
