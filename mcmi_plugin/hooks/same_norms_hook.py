"""All processes evaluate the network that is saved."""

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _NormBase


@HOOKS.register_module()
class SameNormsHook(Hook):
    """Give every process the running statistics of rank 0's batch norms.

    Each process gathers its own, and mmengine saves those of rank 0. Without this,
    the others evaluate their part of the data with a network that is in no
    checkpoint, so that a resumed run reports other figures. Training itself does
    not read them. Nothing happens in a single process.
    """

    # Before whatever measures or saves the network.
    priority = 'VERY_HIGH'

    def after_train_epoch(self, runner: Runner) -> None:
        self._broadcast(runner)

    def before_val(self, runner: Runner) -> None:
        self._broadcast(runner)

    def _broadcast(self, runner: Runner) -> None:
        for module in runner.model.modules():
            if isinstance(module, _NormBase):
                for buffer in module.buffers(recurse=False):
                    broadcast(buffer)
