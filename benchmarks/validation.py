"""The validation of a distillation's epoch, against MMRazor's loop for it.

``SingleTeacherDistillValLoop`` evaluates the student and, every time anew, the frozen
teacher. Ours evaluates the teacher in the first validation of a run and reports that
figure from then on; what is timed are the later ones (a CIFAR recipe has 240).
"""

from collections.abc import Iterator
from contextlib import ExitStack

from mmengine.runner import Runner

from benchmarks.distillation import distillation
from benchmarks.harness import Contest, Difference, require_close
from benchmarks.runners import ready_runner


def contests(number: int = 512) -> Iterator[Contest]:
    """ResNet-56 and ResNet-20 on so many CIFAR images, in batches of 256."""
    with ExitStack() as stack:
        lean, stock = (
            stack.enter_context(ready_runner(distillation(64, number, is_stock)))
            for is_stock in (False, True)
        )

        def check() -> None:
            for runner in (lean, stock):
                runner.train()  # one step, and what it makes
            for part in ('architecture', 'teacher'):
                weights = getattr(lean.model, part).state_dict()
                getattr(stock.model, part).load_state_dict(weights)
            for runner in (lean, stock):
                runner.val_loop.run()
            require_same_metrics(lean, stock)
            # Not the first any more: is what it remembers still right?
            lean.val_loop.run()
            require_same_metrics(lean, stock)

        yield Contest(
            'validation',
            lambda: lean.val_loop.run(),
            lambda: stock.val_loop.run(),
            check,
            ours_is=f'{type_of_val_loop(lean)}, {number} images, teacher known',
            baseline_is='SingleTeacherDistillValLoop',
            rounds=5,
            unit='validation',
        )


def require_same_metrics(ours: Runner, stock: Runner) -> None:
    """Student's and teacher's accuracies are the same, and under the same names."""
    found, expected = _metrics(ours), _metrics(stock)
    if set(found) != set(expected):
        raise Difference(f'metrics: ours {sorted(found)}, stock {sorted(expected)}')
    for name, value in expected.items():
        require_close(name, found[name], value, 0)


def type_of_val_loop(runner: Runner) -> str:
    """The name in ``val_cfg``."""
    return runner.cfg.val_cfg.type.rpartition('.')[2]


def _metrics(runner: Runner) -> dict[str, float]:
    return {
        name: float(history.current())
        for name, history in runner.message_hub.log_scalars.items()
        if name.startswith('val/') and 'time' not in name
    }
