"""The validation that a resumed run owes."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner

# In the message hub, hence in the checkpoints. mmengine logs what begins with 'val'.
VALIDATED = 'last_validated_epoch'


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Validate the resumed epoch first, for its figures and its best checkpoint.

    mmengine saves a checkpoint before it validates that epoch and goes on after
    the validation when it resumes. A run stopped in between would report the
    accuracy of the epoch before as its own.

    A checkpoint that was written again because the validation found a best model
    holds what it has changed: its epoch is not validated twice, or a scheduler that
    waits for a plateau would count it twice.
    """

    # When every other hook is ready.
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        loop = runner.train_loop
        if not isinstance(loop, EpochBasedTrainLoop) or runner.val_loop is None:
            return
        epoch = loop.epoch  # the number of epochs done: 0 unless resumed
        loop._decide_current_val_interval()  # as at the end of that epoch
        due = epoch % loop.val_interval == 0 or epoch == loop.max_epochs
        done = runner.message_hub.runtime_info.get(VALIDATED) == epoch
        if epoch > 0 and epoch >= loop.val_begin and due and not done:
            runner.val_loop.run()

    def before_val_epoch(self, runner: Runner) -> None:
        """Before the CheckpointHook, which writes in ``after_val_epoch``."""
        runner.message_hub.update_info(VALIDATED, runner.epoch)
