"""A copy of a frozen network with its batch norm folded into its convolutions."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

# Largest relative distance (of norms) that counts as rounding; TF32 reaches 1e-3.
ROUNDING = 1e-2

Run = Callable[[nn.Module], list[Tensor]]


def folded(network: nn.Module, run: Run, shared: list[Any]) -> nn.Module | None:
    """A copy of ``network`` whose convolutions do the work of batch norm as well.

    In evaluation mode batch norm is one scale and one shift per channel, so
    ``norm(conv(x))`` is another convolution. Which of them belong together is
    read off a run: the norm's input is the convolution's output itself. A pair is
    left alone if the convolution's output is among the tensors that ``run``
    returns, because somebody reads it there; and the copy is given up if it
    returns other values than the network.

    Args:
        network: in evaluation mode; stays as it is.
        run: calls a network on a batch and returns every tensor of it that
            somebody reads.
        shared: objects that hooks of the network belong to; the copy's hooks
            belong to the same objects, not to copies of them.

    Returns:
        The copy, or None if there is nothing to fold or it computes something else.
    """
    pairs, recorded, expected = _pairs(network, run)
    if not pairs:
        _say(f'no batch norm that folds; {recorded} convolutions are recorded')
        return None
    twin = copy.deepcopy(network, {id(item): item for item in shared})
    for conv_name, norm_name in pairs:
        conv: Any = twin.get_submodule(conv_name)
        norm: Any = twin.get_submodule(norm_name)
        weight, bias = fuse_conv_bn_weights(
            *(conv.weight, conv.bias),
            *(norm.running_mean, norm.running_var, norm.eps),
            *(norm.weight, norm.bias),
        )
        conv.weight = nn.Parameter(weight, requires_grad=False)
        conv.bias = nn.Parameter(bias, requires_grad=False)
        _replace(twin, norm_name, nn.Identity())
    found = run(twin)
    if len(found) != len(expected) or not all(map(_same, found, expected)):
        _say('batch norm is not folded: the network computes something else then')
        return None
    _say(
        f'batch norm is folded into {len(pairs)} convolutions; {recorded} are left '
        'alone because their outputs are recorded'
    )
    return twin


def _say(what: str) -> None:
    print_log(f'teacher of this distillation: {what}', logger='current')


def _pairs(
    network: nn.Module, run: Run
) -> tuple[list[tuple[str, str]], int, list[Tensor]]:
    """(convolution, batch norm) by name, how many more are recorded, and the run's
    tensors."""
    outputs: list[tuple[str, Tensor]] = []  # kept alive, so that ids stay theirs
    inputs: list[tuple[str, Tensor]] = []
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(_remember(outputs, name)))
        elif isinstance(module, _BatchNorm) and module.running_mean is not None:
            handles.append(module.register_forward_hook(_remember(inputs, name, True)))
    try:
        read = run(network)
    finally:
        for handle in handles:
            handle.remove()
    times = Counter(name for name, _ in outputs + inputs)
    conv_of = {id(output): name for name, output in outputs}
    pairs = [
        (conv_of[id(tensor)], norm, id(tensor))
        for norm, tensor in inputs
        # One that is called twice has two neighbours.
        if id(tensor) in conv_of and times[norm] == times[conv_of[id(tensor)]] == 1
    ]
    elsewhere = {id(tensor) for tensor in read}
    alone = [(conv, norm) for conv, norm, tensor in pairs if tensor not in elsewhere]
    return alone, len(pairs) - len(alone), read


def _remember(seen: list, name: str, the_input: bool = False):
    def hook(module: nn.Module, inputs: tuple, output: Any) -> None:
        seen.append((name, inputs[0] if the_input else output))

    return hook


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put ``module`` in the place of the one called ``name``, with its hooks."""
    replaced = network.get_submodule(name)
    module._forward_hooks = replaced._forward_hooks
    module._forward_pre_hooks = replaced._forward_pre_hooks
    parent, _, own = name.rpartition('.')
    setattr(network.get_submodule(parent), own, module)


def _same(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    found, expected = found.double(), expected.double()
    return bool((found - expected).norm() <= ROUNDING * expected.norm())
