"""The data sets of a config: those inside their wrappers, and their pipelines."""

import copy
from collections.abc import Callable, Iterator

from mmengine.config import Config, ConfigDict

from mcmi_plugin.errors import UserError
from mcmi_plugin.type_names import short_name


def parts_of(dataset: dict) -> Iterator[tuple[str, dict]]:
    """Key and config of each data set that a wrapper wraps."""
    if dataset.get('dataset'):
        yield 'dataset', dataset['dataset']
    for index, part in enumerate(dataset.get('datasets') or []):
        yield f'datasets.{index}', part


def innermost(dataset: dict) -> dict:
    """The data set below all wrappers; of several the first one."""
    for _, part in parts_of(dataset):
        return innermost(part)
    return dataset


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


def plain_dataset(dataset: ConfigDict) -> ConfigDict:
    """A data set of labelled images, without what only a student's loss reads.

    MMRazor's ``CRDDataset`` adds the indices of contrasting samples; it may stand
    around or within other wrappers.
    """
    dataset = copy.deepcopy(dataset)
    if short_name(dataset.get('type')) == 'CRDDataset':
        dataset = dataset.dataset
    for step in dataset.get('pipeline') or []:
        if short_name(step.get('type')) == 'PackCRDClsInputs':
            step.update(type='PackInputs', _scope_='mmpretrain')
    if 'dataset' in dataset:
        dataset.dataset = plain_dataset(dataset.dataset)
    if 'datasets' in dataset:
        dataset.datasets = [plain_dataset(part) for part in dataset.datasets]
    return dataset


def pipeline_in(dataset: ConfigDict) -> list | None:
    """The pipeline of a data set, or of the first one inside a wrapper."""
    if 'pipeline' in dataset:
        return dataset.pipeline
    return next((pipeline_in(part) for _, part in parts_of(dataset)), None)


def with_pipeline(dataset: ConfigDict, pipeline: list | None) -> ConfigDict:
    """The same samples through another pipeline.

    A data set that has none of its own, such as a plain one of torch, stays as it is
    where there is no other one either.
    """

    def changed(own: ConfigDict) -> ConfigDict:
        if pipeline is None and 'pipeline' not in own:
            return own
        return ConfigDict(own, pipeline=copy.deepcopy(pipeline))

    return with_innermost(copy.deepcopy(dataset), changed)


def with_dataset(cfg: Config, dataset: dict) -> Config:
    """The distillation config with another training set: ``mcmi.dataset``."""
    cfg = copy.deepcopy(cfg)
    cfg.train_dataloader.dataset = ConfigDict(copy.deepcopy(dataset))
    return cfg


def measuring_loader(cfg: Config, split: str) -> ConfigDict:
    """Every sample of the training or validation set once, unaugmented, in order.

    Args:
        split: ``'train'`` (for eq. 13, LL and CMI), ``'val'`` or ``'test'``.

    Raises:
        UserError: there is no ``val_dataloader`` or ``test_dataloader`` to take
            the unaugmented pipeline from.
    """
    held_out = cfg.get('val_dataloader') or cfg.get('test_dataloader')
    if split == 'test':
        held_out = cfg.test_dataloader
    if not held_out:
        raise UserError(
            'val_dataloader: the teacher stage takes its unaugmented pipeline from '
            'there, or from test_dataloader; set one of them'
        )
    loader = copy.deepcopy(held_out)
    loader.dataset = plain_dataset(held_out.dataset)
    if split == 'train':
        loader.dataset = with_pipeline(
            plain_dataset(cfg.train_dataloader.dataset), pipeline_in(loader.dataset)
        )
    for part in ('batch_sampler', 'num_batch_per_epoch'):
        loader.pop(part, None)
    loader.drop_last = False
    # Without round_up no sample is repeated to even out the processes.
    loader.sampler = ConfigDict(type='DefaultSampler', shuffle=False, round_up=False)
    return loader
