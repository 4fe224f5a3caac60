"""mmengine's Runner with data that stay in memory."""

import torch
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.fast.joined_labels import looks_at_samples
from mcmi_plugin.fast.resident import DEFAULT_BUDGET, ResidentLoader
from mcmi_plugin.log import log_line

# What torch's loader was built with and the resident one takes over.
_LOADER_OPTIONS = (
    'batch_size',
    'sampler',
    'drop_last',
    'collate_fn',
    'num_workers',
    'pin_memory',
    'timeout',
    'worker_init_fn',
    'prefetch_factor',
    'persistent_workers',
    'multiprocessing_context',
    'generator',
)


@RUNNERS.register_module()
class ResidentRunner(Runner):
    """mmengine's Runner that also builds loaders of ``type='ResidentLoader'``.

    Say ``runner_type='ResidentRunner'`` and add to a loader, next to mmengine's
    keys, ``type='ResidentLoader'`` and, if need be, ``memory_budget``. Stock
    losses, validation loops, metrics and batch augmentation then work as with
    any loader, and the user's own as well: what is not known to take the labels of a
    batch joined (:func:`.looks_at_samples`) gets one data sample per image, and the
    log says for whom.
    """

    def build_dataloader(
        self,
        dataloader: DataLoader | dict,
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """As mmengine's, for both kinds of loader.

        Raises:
            UserError: a ``type`` that is neither.
        """
        if not isinstance(dataloader, dict) or 'type' not in dataloader:
            return super().build_dataloader(dataloader, seed, diff_rank_seed)
        config = dict(dataloader)
        kind = config.pop('type')
        if kind != 'ResidentLoader':
            raise UserError(
                f"dataloader: type={kind!r} is unknown; use 'ResidentLoader', or leave "
                "type out for torch's own"
            )
        memory_budget = config.pop('memory_budget', DEFAULT_BUDGET)
        plain = super().build_dataloader(config, seed, diff_rank_seed)
        options = {name: getattr(plain, name) for name in _LOADER_OPTIONS}
        options.update(memory_budget=memory_budget, device=_device_of(self.model))
        return ResidentLoader(plain.dataset, **options)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        loop = super().build_train_loop(loop)
        part = looks_at_samples(self)
        _set_per_sample(loop, part is not None)
        if part is not None and isinstance(loop.dataloader, ResidentLoader):
            log_line(
                f'{type(part).__name__} may look at single data samples; batches are '
                'made with one for each image, which takes longer'
            )
        return loop

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        return _in_batches(super().build_val_loop(loop))

    def build_test_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        return _in_batches(super().build_test_loop(loop))


def _device_of(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device('cpu'))


def _in_batches(loop: BaseLoop) -> BaseLoop:
    _set_per_sample(loop, not getattr(loop, 'takes_batches', False))
    return loop


def _set_per_sample(loop: BaseLoop, per_sample: bool) -> None:
    if isinstance(loop.dataloader, ResidentLoader):
        loop.dataloader.per_sample = per_sample
