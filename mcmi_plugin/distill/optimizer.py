"""Optimizers in a config, and one that never sees the frozen parameters."""

from types import SimpleNamespace
from typing import cast

from mmengine.model import is_model_wrapper
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


def wrappers_in(optim_wrapper: dict) -> dict[str, dict]:
    """The wrapper of each optimizer in a config; a single one has the name ''."""
    if 'optimizer' in optim_wrapper:
        return {'': optim_wrapper}
    return {
        name: part
        for name, part in optim_wrapper.items()
        if isinstance(part, dict) and 'optimizer' in part
    }


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainableOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, given the parameters that are trained.

    Without ``paramwise_cfg`` mmengine gives the optimizer the frozen teacher's
    parameters as well, to be looked at in every step. They are frozen when the
    optimizer is built, or they belong into it. A run that was begun with the one
    constructor does not resume with the other: their parameters are numbered
    differently.

    ``optim_wrapper=dict(constructor='TrainableOptimWrapperConstructor', ...)``
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        if self.paramwise_cfg:
            return super().__call__(model)  # leaves them out by itself
        model = cast(nn.Module, model.module) if is_model_wrapper(model) else model
        trained = [p for p in model.parameters() if p.requires_grad]
        return super().__call__(SimpleNamespace(parameters=lambda: trained))
