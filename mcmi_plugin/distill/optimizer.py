"""An optimizer that never sees the frozen teacher."""

from types import SimpleNamespace
from typing import cast

from mmengine.model import is_model_wrapper
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainableOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, not given the parameters of a frozen teacher.

    Without ``paramwise_cfg`` mmengine gives the optimizer those as well, to be looked
    at in every step. Whatever of the student is frozen now stays in: a hook may let
    it learn later. A run that was begun with the one constructor does not resume with
    the other: their parameters are numbered differently.

    ``optim_wrapper=dict(constructor='TrainableOptimWrapperConstructor', ...)``
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        if self.paramwise_cfg:
            return super().__call__(model)  # leaves them out by itself
        model = cast(nn.Module, model.module) if is_model_wrapper(model) else model
        trained = [
            parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad or not name.startswith('teacher.')
        ]
        return super().__call__(SimpleNamespace(parameters=lambda: trained))
