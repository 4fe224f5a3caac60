"""An optimizer that never sees the frozen parameters."""

from types import SimpleNamespace
from typing import cast

from mmengine.model import is_model_wrapper
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


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
