"""What records a step where there is no GPU.

It takes the step as CUDA does: it runs nothing when it records, and when it replays it
fills the same tensors, by the numbers that the optimizer had when it was recorded.
"""

import copy
from contextlib import contextmanager

from mcmi_plugin.fast import lean_epoch_loop
from mcmi_plugin.fast.step_graph import StepGraph


class StandIn:
    """As :class:`.recorder.Recorder`."""

    made: list['StandIn'] = []

    def __init__(self) -> None:
        self.made.append(self)
        self.recordings = self.replays = self.asides = 0
        self.waits, self.error = [], None

    def aside(self, call):
        self.asides += 1
        return call()

    @contextmanager
    def watching(self):
        yield list(self.waits)

    def record(self, call):
        if self.error is not None:
            raise self.error
        graph = self.made_by
        model, optimizer = graph.model, graph.optim_wrapper.optimizer
        self.recordings += 1
        before = copy.deepcopy([model.state_dict(), optimizer.state_dict()['state']])
        counted = [
            vars(s) for m in model.modules() if (s := getattr(m, 'statistics', 0))
        ]
        sums = copy.deepcopy(counted)
        names, filled = call()
        model.load_state_dict(before[0])
        for now, old in zip(counted, sums, strict=True):
            for key in ('prob_sum', 'counts', 'entropy_sum', 'log_prob_sum', 'correct'):
                now[key].copy_(old[key])
        for state, old in zip(
            optimizer.state.values(), before[1].values(), strict=True
        ):
            for key, value in state.items():
                value.copy_(old[key])
        static = [(p, p.grad) for p in model.parameters() if p.grad is not None]
        numbers = [dict(group) for group in optimizer.param_groups]

        def replay() -> None:
            self.replays += 1
            now = [dict(group) for group in optimizer.param_groups]
            count = graph.optim_wrapper._inner_count
            for group, old in zip(optimizer.param_groups, numbers, strict=True):
                group.update(old)
            for parameter, _ in static:
                parameter.grad = None
            filled.copy_(call()[1])
            graph.optim_wrapper._inner_count = count
            for parameter, gradient in static:
                gradient.copy_(parameter.grad)
                parameter.grad = None
            for group, old in zip(optimizer.param_groups, now, strict=True):
                group.clear()
                group.update(old)

        return replay, (names, filled)


def stand_in_for_a_gpu(monkeypatch) -> list[StandIn]:
    """As if there were a GPU; the recorders that are made."""

    class Graph(StepGraph):
        def __init__(self, model, optim_wrapper) -> None:
            super().__init__(model, optim_wrapper, StandIn())
            self.recorder.made_by = self

    StandIn.made = []
    monkeypatch.setattr(lean_epoch_loop, 'StepGraph', Graph)
    monkeypatch.setattr(lean_epoch_loop, '_why_no_graph', lambda *args: '')
    return StandIn.made
