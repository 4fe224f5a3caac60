"""An optimizer that never sees the frozen teacher."""

from types import SimpleNamespace

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmpretrain.utils import get_ori_model
from torch import nn

from mcmi_plugin.hooks.optimizer_numbers import without_frozen_teacher


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainableOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, not given the parameters of a frozen teacher.

    Without ``paramwise_cfg`` mmengine gives the optimizer those as well, to be looked
    at in every step. Whatever of the student is frozen now stays in: a hook may let
    it learn later. The two number their parameters differently; a run that was begun
    with the one resumes with the other (``ResumeOptimizerHook``).

    ``optim_wrapper=dict(constructor='TrainableOptimWrapperConstructor', ...)``
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        if self.paramwise_cfg:
            return super().__call__(model)  # leaves them out by itself
        model = get_ori_model(model)
        every = list(model.parameters())
        taken = [every[number] for number in without_frozen_teacher(model)]
        return super().__call__(SimpleNamespace(parameters=lambda: taken))
