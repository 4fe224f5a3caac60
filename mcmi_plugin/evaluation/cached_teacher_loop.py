"""Validation of a distillation in which the frozen teacher is measured once."""

from mmengine.model import is_model_wrapper
from mmengine.registry import LOOPS
from mmrazor.engine import SingleTeacherDistillValLoop


@LOOPS.register_module()
class CachedTeacherValLoop(SingleTeacherDistillValLoop):
    """MMRazor's loop, which reports student and teacher, at the student's cost.

    Upstream evaluates the frozen teacher anew at every validation, on the same
    images with the same result. Here its metrics are kept for as long as its
    weights stay as they are; the hooks of a validation's iterations then see the
    student's alone. A trainable teacher is evaluated every time.

    Metrics: as upstream's, the student's by their own names and the teacher's as
    ``teacher.NAME``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Versions of the weights, and the metrics they have.
        self._measured: tuple[list[int], dict[str, float]] | None = None

    def run(self) -> dict[str, float]:
        """Validate, and return the metrics."""
        runner = self.runner
        runner.call_hook('before_val')
        runner.call_hook('before_val_epoch')
        runner.model.eval()
        metrics = self._evaluate(self.run_iter)
        of_teacher = self._of_teacher()
        metrics.update({f'teacher.{name}': of_teacher[name] for name in of_teacher})
        runner.call_hook('after_val_epoch', metrics=metrics)
        runner.call_hook('after_val')
        return metrics

    def _of_teacher(self) -> dict[str, float]:
        weights = self.teacher.state_dict(keep_vars=True).values()
        # Tensors count their in-place changes, and loading is one.
        versions = [weight._version for weight in weights]
        if self._measured is None or self._measured[0] != versions or self._learns():
            self._measured = versions, self._evaluate(self.run_iter_teacher)
        return self._measured[1]

    def _learns(self) -> bool:
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        return model.teacher_trainable

    def _evaluate(self, run_iter) -> dict[str, float]:
        for index, batch in enumerate(self.dataloader):
            run_iter(index, batch)
        return self.evaluator.evaluate(len(self.dataloader.dataset))
