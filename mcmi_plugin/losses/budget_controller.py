"""The state of a lambda that keeps to a budget, saved with the model."""

import math

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..functional.budget import budget_lambda, moving_average


class BudgetController(nn.Module):
    """Lambda by what is left of a budget of cross-entropy.

    Proportional control: an integrating controller winds up here. All state is in
    buffers, so that a run resumed at any step goes on exactly; no step waits for
    the device.

    Args:
        eps: the rise of the cross-entropy allowed, in nats, above 0.

    Attributes:
        ce_start: CE_0, NaN until :meth:`start`.
        ce_average: m, the moving average of the batches' cross-entropy.
        batches: in an epoch.
        steps: taken so far.
        lmda_average: lambda averaged in the same way, for the log.
    """

    ce_start: Tensor
    ce_average: Tensor
    batches: Tensor
    steps: Tensor
    lmda_average: Tensor

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps
        for name, value in (
            ('ce_start', math.nan),
            ('ce_average', math.nan),
            ('batches', 0),
            ('steps', 0),
            ('lmda_average', 0.0),
        ):
            self.register_buffer(name, torch.tensor(value))
        # Looking into a buffer waits for the device, so it is done once.
        self._start_checked = False

    def start(self, ce: float, batches: int) -> None:
        """Begin at a cross-entropy of ``ce`` nats, with ``batches`` in an epoch."""
        self.ce_start.fill_(ce)
        self.ce_average.fill_(ce)
        self.batches.fill_(batches)

    def forward(self, ce: Tensor) -> Tensor:
        """Lambda [] for a step whose batch, over all processes, has mean ``ce`` [].

        Raises:
            UserError: :meth:`start` was never called.
        """
        if not self._start_checked and self.ce_start.isnan():
            raise UserError(
                'CMILoss.controller: form=budget needs the cross-entropy that it '
                'starts at; add the CentroidHook, or call controller.start'
            )
        self._start_checked = True
        self.steps += 1
        self.ce_average.copy_(moving_average(self.ce_average, ce, self.batches))
        lmda = budget_lambda(
            self.ce_average, self.ce_start, self.eps, self.steps / self.batches
        )
        self.lmda_average.copy_(moving_average(self.lmda_average, lmda, self.batches))
        return lmda
