"""How much memory a batch of the config will take in training, without taking it."""

import copy

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from mcmi_plugin.audit.model import build_teacher
from mcmi_plugin.errors import UserError

# Tensors of a parameter's size that an optimizer keeps for it; 2 of any other.
_STATES = dict(SGD=1, Adam=2, AdamW=2, RMSprop=1)


def step_bytes(network: nn.Module, images: Tensor, states: int) -> dict[str, int]:
    """What a training step of a network keeps, in bytes, in the precision that it has.

    The network is copied to a device without memory, and what its forward pass saves
    for the backward pass is counted. An estimate: cuDNN's workspaces and what the
    allocator holds in reserve come on top, and in bfloat16 the activations are half.

    Args:
        network: a classifier, called as ``network(images, mode='tensor')``.
        images: [B, ...], preprocessed; only its shape is looked at.
        states: tensors that the optimizer keeps for a parameter.

    Returns:
        ``weights``, ``gradients``, ``optimizer`` and ``activations``.
    """
    bare = copy.deepcopy(network).to('meta').train().requires_grad_(True)
    own = [*bare.parameters(), *bare.buffers()]
    seen = {tensor.untyped_storage()._cdata: 0 for tensor in own}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen.setdefault(storage._cdata, storage.nbytes())
        return tensor  # kept alive by the graph, so that no other gets its place

    inputs = torch.empty_like(images, device='meta')
    pack(inputs)
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = bare(inputs, mode='tensor')  # holds the graph meanwhile
        activations = sum(seen.values())
    del logits
    weights = sum(map(_size, own))
    trained = sum(map(_size, bare.parameters()))
    return dict(
        weights=weights,
        gradients=trained,
        optimizer=states * trained,
        activations=activations,
    )


def memory_sentences(cfg: Config, teacher: nn.Module, batch: Tensor) -> list[str]:
    """For the reading of an audit: the fine-tune, and the student where there is one.

    Args:
        batch: images of the training set, [n, ...] preprocessed; n of any size.
    """
    size = cfg.train_dataloader.get('batch_size') or len(batch)
    images = torch.empty((size, *batch.shape[1:]), dtype=batch.dtype, device='meta')
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    states = _STATES.get(str(optimizer.get('type')), 2)
    parts = {'a fine-tune of it': teacher}
    try:
        if 'architecture' in cfg.model:
            own = Config(dict(cfg.to_dict(), model=ConfigDict(cfg.model)))
            own.model.teacher = cfg.model.architecture
            parts['the student, its teacher beside it'] = build_teacher(own)
    except (UserError, TypeError, KeyError):
        pass  # which training itself will say
    told = []
    for name, network in parts.items():
        try:
            found = step_bytes(network, images, states)
        except Exception:  # of any network, and an estimate
            continue  # it looks at values, of which there are none, or at their number
        if network is not teacher:
            found['weights'] += sum(map(_size, teacher.state_dict().values()))
        words = ', '.join(f'{key} {_mib(value)}' for key, value in found.items())
        told.append(
            f'A step of {name} with a batch of {size} will take about '
            f'{_mib(sum(found.values()))} MiB in float32 ({words}), and what the '
            'device works with beside.'
        )
    return told


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _mib(value: int) -> str:
    return f'{value / 2**20:.0f}'
