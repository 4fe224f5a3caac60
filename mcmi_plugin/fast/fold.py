"""A frozen network whose convolutions do the work of its batch norm as well."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar, cast

from mmcv.cnn.bricks import wrappers
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode

from mcmi_plugin.log import log_line

from .records import tensors_in
from .traces import undone

# Largest relative distance (of norms) that counts as rounding; TF32 reaches 1e-3.
ROUNDING = 1e-2
# What folds is what computes by these and nothing else.
_CONVOLUTIONS = (nn.Conv2d.forward, wrappers.Conv2d.forward)
_NORMS = (_BatchNorm.forward, nn.SyncBatchNorm.forward)

Answer = TypeVar('Answer')


class Folding:
    """Runs a network with some pairs of convolution and batch norm folded.

    In evaluation mode batch norm is one scale and one shift per channel, so
    ``norm(conv(x))`` is another convolution. Its weight is worked out whenever the
    convolution is called, which takes a thousandth of the convolution's time, and
    kept no longer: it is that of the weights and statistics of this moment,
    however they have come to be what they are. The network stays as it is.

    Args:
        pairs: of a convolution and the batch norm that alone reads its output.
    """

    def __init__(self, pairs: list[tuple[nn.Conv2d, _BatchNorm]]) -> None:
        self.pairs = [_Pair(conv, norm) for conv, norm in pairs]

    def run(self, call: Callable[[], Answer]) -> Answer:
        """``call()``, in which the network runs, without autograd.

        An output that its batch norm did not get, because the network went another
        way than when the pairs were found, makes it run again, unfolded.
        """
        pairs = [pair for pair in self.pairs if not pair.norm.training]
        try:
            for pair in pairs:
                pair.fold()
            answer = call()
        finally:
            astray = [pair for pair in pairs if pair.unfold()]
        return call() if astray else answer


class _Pair:
    def __init__(self, conv: nn.Conv2d, norm: _BatchNorm) -> None:
        self.conv = conv
        self.norm = norm
        self.output: Tensor | None = None  # of the convolution, on its way
        self.lost = False

    def fold(self) -> None:
        # Not by setattr, which a module takes microseconds for.
        self.conv.__dict__['forward'] = self._convolve
        self.norm.__dict__['forward'] = self._pass_on

    def unfold(self) -> bool:
        """Whether an output has not arrived."""
        lost = self.lost or self.output is not None
        self.output, self.lost = None, False
        for module in (self.conv, self.norm):
            module.__dict__.pop('forward', None)
        return lost

    def _convolve(self, inputs: Tensor) -> Tensor:
        self.lost |= self.output is not None
        weight, bias = folded_weights(self.conv, self.norm)
        self.output = self.conv._conv_forward(inputs, weight, bias)
        return self.output

    def _pass_on(self, inputs: Tensor) -> Tensor:
        if inputs is self.output:
            self.output = None
            return inputs
        return type(self.norm).forward(self.norm, inputs)


def folded_weights(conv: nn.Conv2d, norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Weight [O, I, h, w] and bias [O] of the convolution ``norm(conv(x))``."""
    mean, var = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = (var + norm.eps).rsqrt_()
    if norm.affine:
        scale *= norm.weight
    shift = -mean if conv.bias is None else conv.bias - mean
    bias = shift * scale
    if norm.affine:
        bias += norm.bias
    dtype = conv.weight.dtype
    weight = (conv.weight * scale.view(-1, 1, 1, 1)).to(dtype)
    return weight, bias.to(dtype)


def find_folding(network: nn.Module, read: Callable[[], list[Tensor]]) -> Folding:
    """What folds of a network, as two runs of it show.

    A pair belongs together if the norm's input is the convolution's output itself
    and nothing else reads that: no operation, and nobody afterwards. If the network
    nevertheless returns other values with its pairs folded, there are none.

    Args:
        network: with the norms that may be folded in evaluation mode; stays as it is,
            to its buffers and random numbers.
        read: runs it on a batch and returns every tensor of it that somebody reads.
    """
    with undone(network):
        pairs, recorded, expected = _pairs(network, read)
    folding = Folding(pairs)
    if not pairs:
        _say(f'no batch norm that folds; {recorded} convolutions are recorded')
        return folding
    with undone(network):
        found = folding.run(read)
    if len(found) != len(expected) or not all(map(_same, found, expected)):
        _say('batch norm is not folded: the network computes something else then')
        return Folding([])
    _say(
        f'batch norm is folded into {len(pairs)} convolutions; {recorded} are left '
        'alone because their outputs are recorded'
    )
    return folding


def _say(what: str) -> None:
    log_line(f'teacher of this distillation: {what}')


class _Outputs(TorchDispatchMode):
    """The outputs of convolutions, and what operations but batch norm read them."""

    def __init__(self) -> None:
        super().__init__()
        self.convs: dict[int, nn.Conv2d] = {}  # by the id of the output
        self.kept: list[Tensor] = []  # or another tensor would get its id
        self.read: set[int] = set()
        self.in_norm = False

    def add(self, conv: nn.Conv2d, output: Tensor) -> None:
        self.kept.append(output)
        self.convs[id(output)] = conv

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if not self.in_norm:
            found = {id(tensor) for tensor in tensors_in([args, kwargs])}
            self.read |= found & self.convs.keys()
        return func(*args, **(kwargs or {}))


def _pairs(
    network: nn.Module, read: Callable[[], list[Tensor]]
) -> tuple[list[tuple[nn.Conv2d, _BatchNorm]], int, list[Tensor]]:
    """Convolution and batch norm, how many more are recorded, and what is read."""
    outputs = _Outputs()
    inputs: list[tuple[_BatchNorm, Tensor]] = []

    def after_conv(module: Any, args: tuple, output: Tensor) -> None:
        outputs.add(module, output)

    def before_norm(module: Any, args: tuple) -> None:
        inputs.append((module, args[0]))
        outputs.in_norm = True

    def after_norm(module: Any, args: tuple, output: Tensor) -> None:
        outputs.in_norm = False

    handles = []
    for module in network.modules():
        forward = getattr(module.forward, '__func__', None)
        if forward in _CONVOLUTIONS:
            # Before anybody's hook, which may put another output in its place.
            hook = module.register_forward_hook(after_conv, prepend=True)
            handles.append(hook)
        elif forward in _NORMS and not module.training and _has_statistics(module):
            handles.append(module.register_forward_pre_hook(before_norm))
            hook = module.register_forward_hook(after_norm, prepend=True)
            handles.append(hook)
    try:
        with outputs:
            answers = read()
    finally:
        for handle in handles:
            handle.remove()
    calls = Counter([*outputs.convs.values(), *(norm for norm, _ in inputs)])
    takers = Counter(id(tensor) for _, tensor in inputs)
    pairs = [
        (outputs.convs[id(tensor)], norm, id(tensor))
        for norm, tensor in inputs
        if id(tensor) in outputs.convs.keys() - outputs.read
        # One that is called twice has two neighbours.
        and takers[id(tensor)] == calls[norm] == calls[outputs.convs[id(tensor)]] == 1
    ]
    elsewhere = {id(tensor) for tensor in answers}
    alone = [(conv, norm) for conv, norm, tensor in pairs if tensor not in elsewhere]
    return alone, len(pairs) - len(alone), answers


def _has_statistics(norm: nn.Module) -> bool:
    return getattr(norm, 'running_mean', None) is not None


def _same(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    found, expected = found.double(), expected.double()
    return bool((found - expected).norm() <= ROUNDING * expected.norm())
