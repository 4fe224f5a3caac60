"""A validation that is begun once is ended once, for the hooks that act on both."""

import functools
from collections.abc import Callable
from types import SimpleNamespace


def pair_validation_hooks() -> None:
    """Call a hook's ``before_val_epoch`` once for every ``after_val_epoch``.

    What upstream gets wrong: ``SingleTeacherDistillValLoop`` calls
    ``before_val_epoch`` for the student and again for the teacher, then
    ``after_val_epoch`` once; ``SlimmableValLoop`` calls it for every subnet.
    ``EMAHook`` exchanges weights and averages at each call, three times in all, so
    that the training goes on from the averages. Here student and teacher are
    evaluated between one pair of calls. The average of a frozen teacher is the
    teacher.

    It falls away when each loop calls the two equally often.
    """
    from mmrazor.engine import SingleTeacherDistillValLoop, SlimmableValLoop

    for loop in (SingleTeacherDistillValLoop, SlimmableValLoop):
        if not _calls_in_pairs(loop):
            loop.run = _begun_once(loop.run)


def _begun_once(run: Callable) -> Callable:
    @functools.wraps(run)
    def run_begun_once(self):
        call_hook, begun = self.runner.call_hook, False

        def call_in_pairs(name: str, **kwargs) -> None:
            nonlocal begun
            if name == 'before_val_epoch':
                if begun:
                    return
                begun = True
            elif name == 'after_val_epoch':
                begun = False
            call_hook(name, **kwargs)

        self.runner.call_hook = call_in_pairs
        try:
            return run(self)
        finally:
            self.runner.call_hook = call_hook

    return run_begun_once


def _calls_in_pairs(loop: type) -> bool:
    calls: list[str] = []
    mutator = SimpleNamespace(subnets=[0, 1], set_choices=lambda subnet: None)
    validation = SimpleNamespace(
        runner=SimpleNamespace(
            call_hook=lambda name, **kwargs: calls.append(name),
            model=SimpleNamespace(eval=lambda: None),
        ),
        dataloader=_NoData(),
        evaluator=SimpleNamespace(evaluate=lambda size: {}),
        _model=SimpleNamespace(mutator=mutator),
    )
    loop.run(validation)  # type: ignore[attr-defined]
    return calls.count('before_val_epoch') == calls.count('after_val_epoch')


class _NoData(list):
    dataset = ()
