"""``train_step`` of a plain model without operations that change nothing."""

from typing import Any

from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.optim import OptimWrapper
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn


def takes_lean_step(model: nn.Module, optim_wrapper: OptimWrapper) -> bool:
    """Whether :func:`lean_step` is what ``model.train_step`` would do.

    Not for a model that trains in a way of its own, be it its class's or, as with
    ``compile`` in a config, its own alone; nor for one in a wrapper for several
    processes, nor where gradients are accumulated.
    """
    return (
        isinstance(model, BaseModel)
        and isinstance(optim_wrapper, OptimWrapper)
        and _are_methods_of(BaseModel, model, 'train_step', 'parse_losses')
        and _are_methods_of(
            OptimWrapper, optim_wrapper, 'update_params', 'scale_loss', 'should_update'
        )
        and optim_wrapper._accumulative_counts == 1
    )


def _are_methods_of(kind: type, thing: Any, *names: str) -> bool:
    return all(
        getattr(getattr(thing, name), '__func__', None) is getattr(kind, name)
        for name in names
    )


def lean_step(
    model: BaseModel, data_batch: dict, optim_wrapper: OptimWrapper
) -> dict[str, Tensor]:
    """One step as ``BaseModel.train_step`` makes it, to the last bit.

    That one takes the mean of scalars, adds the losses to zero and divides by
    one, forward and backward. On a small model these are a tenth of the step.

    Args:
        data_batch: from the loader.

    Returns:
        The losses for the log, and the norm of gradients that are clipped; scalars
        without their graph.
    """
    losses = losses_and_gradients(model, data_batch, optim_wrapper)
    norm = update(optim_wrapper)
    optim_wrapper.zero_grad()
    return norm | losses


def losses_and_gradients(
    model: BaseModel, data_batch: dict, optim_wrapper: OptimWrapper
) -> dict[str, Tensor]:
    """The first half of a step: forward and backward. Its losses for the log."""
    with optim_wrapper.optim_context(model):
        inputs = _preprocess(model.data_preprocessor, data_batch)
        losses = model._run_forward(inputs, mode='loss')
    loss, log_vars = total_loss(model, losses)
    optim_wrapper.backward(loss)
    return {name: value.detach() for name, value in log_vars.items()}


def update(optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
    """The second half: ``optim_wrapper.step()``, and what it notes for the log.

    mmengine waits for the norm of the gradients in every step, to note it as a number.
    """
    noted: dict[str, Tensor] = {}
    own = not _are_methods_of(OptimWrapper, optim_wrapper, '_clip_grad')
    if own or not optim_wrapper.clip_grad_kwargs:
        optim_wrapper.step()
        return noted

    def clip() -> None:
        groups = optim_wrapper.optimizer.param_groups
        parameters = [p for group in groups for p in group['params']]
        clipped = [p for p in parameters if p.requires_grad and p.grad is not None]
        if clipped:
            norm = optim_wrapper.clip_func(clipped, **optim_wrapper.clip_grad_kwargs)
            if norm is not None:
                noted[optim_wrapper.grad_name] = norm.detach()

    optim_wrapper._clip_grad = clip
    try:
        optim_wrapper.step()
    finally:
        del optim_wrapper._clip_grad
    return noted


def _preprocess(preprocessor: nn.Module, data_batch: dict) -> dict:
    """``preprocessor(data_batch, True)``, but one tensor of labels stays as it is.

    mmengine's copies the data sample to where it is already. mmpretrain's joins the
    labels of all samples, which takes longer than to normalise a small batch, and
    hands them out again.
    """
    kind = type(preprocessor)
    if (
        is_joined(data_batch)
        # 'cuda' is the device that is spoken of, 'cuda:0' the one where labels are.
        and (samples := data_batch['data_samples'])[0].gt_label.device.type
        == preprocessor.device.type
    ):
        if kind is ClsDataPreprocessor and not preprocessor.to_onehot:
            inputs = preprocessor(dict(inputs=data_batch['inputs']), True)['inputs']
            return dict(inputs=inputs, data_samples=samples)
        if kind is BaseDataPreprocessor:  # which moves to its device, no more
            inputs = data_batch['inputs'].to(preprocessor.device)
            return dict(inputs=inputs, data_samples=samples)
    return preprocessor(data_batch, True)


def is_joined(batch: dict) -> bool:
    """Whether it is images, and one data sample with all of their labels."""
    samples: Any = batch.get('data_samples') or ()
    return (
        batch.keys() == {'inputs', 'data_samples'}
        and isinstance(batch['inputs'], Tensor)
        and len(samples) == 1
        and samples[0].keys() == ['gt_label']
    )


def total_loss(model: BaseModel, losses: dict) -> tuple[Tensor, dict[str, Tensor]]:
    """``model.parse_losses``, for scalars without an operation too many."""
    names = [name for name in losses if 'loss' in name]
    scalars = all(
        isinstance(value, Tensor) and value.ndim == 0 for value in losses.values()
    )
    if not names or not scalars:
        return model.parse_losses(losses)
    loss = losses[names[0]]
    for name in names[1:]:
        loss = loss + losses[name]
    return loss, {'loss': loss, **losses}
