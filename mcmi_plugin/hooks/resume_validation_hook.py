"""The validation that a resumed run owes."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Validate the resumed epoch first, for its figures and its best checkpoint.

    mmengine saves a checkpoint before it validates that epoch and goes on after
    the validation when it resumes. A run stopped in between would report the
    accuracy of the epoch before as its own.
    """

    # When every other hook is ready.
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        loop = runner.train_loop
        if not isinstance(loop, EpochBasedTrainLoop) or runner.val_loop is None:
            return
        epoch = loop.epoch  # the number of epochs done: 0 unless resumed
        due = epoch % loop.val_interval == 0 or epoch == loop.max_epochs
        if epoch > 0 and epoch >= loop.val_begin and due:
            runner.val_loop.run()
