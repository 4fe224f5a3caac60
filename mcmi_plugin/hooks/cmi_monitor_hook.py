"""The fine-tune watched live: CE, surrogate, CMI, LL, accuracy, and the cliff."""

import math

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.log import log_line, log_warning
from mcmi_plugin.losses.cmi_loss import CMILoss, find_cmi_loss

# The surrogate may exceed the CMI by this share of it, and by this many nats,
# before they count as parted; digits at the last safe lambda: 0.012 and 0.010.
PARTED_RATIO, PARTED_NATS = 1.0, 0.05
# Points of training accuracy below the best epoch so far.
ACCURACY_FALL = 5.0
# Nor does what chance may do to the difference of two epochs of few samples: so many
# standard errors of one epoch's figure, times the root of two.
CHANCE = 3 * math.sqrt(2)
CHECK_EVERY = 50
_LIVE = ('cmi', 'lmda', 'rise')


@HOOKS.register_module()
class CMIMonitorHook(Hook):
    """Log what a :class:`CMILoss` sees, and stand at the edge of the cliff.

    With fixed centroids Q0 the loss rewards KL(P||Q0), which is the CMI plus the
    distance that the centroids have moved. Past some lambda it grows by moving
    them: labels flip and the CMI itself falls. Augmentation and train mode alone set
    the predictions of a training step apart from Q0, which is taken without them; so
    what counts is what has been added since the first step (``mcmi_start``).

    Where the centroids follow the model, or something else is rewarded, KL(P||Q0)
    says nothing and training accuracy alone tells. The CMI here is that of the
    predictions of an epoch's own training steps, so it costs no extra pass.

    Every epoch's figures go to the log, to the visualizer (``mcmi/...``) and,
    for the teacher's provenance, to the message hub (``mcmi_history``); a few
    also in between, to the log's lines (``mcmi_...``). The verdict goes to the
    message hub too (``mcmi_cliff``): which epochs are past the cliff, and why.

    Args:
        on_cliff: ``'warn'``; or ``'stop'``: end the training and load the
            checkpoint of the last good epoch.
    """

    # Before the CheckpointHook (VERY_LOW), which saves the history.
    priority = 'BELOW_NORMAL'

    def __init__(self, on_cliff: str = 'warn') -> None:
        self.on_cliff = on_cliff
        self.good_checkpoint: str | None = None
        self.statistics: ClassStatistics | None = None  # of an epoch, then the next

    def before_train(self, runner: Runner) -> None:
        if 'mcmi_stopped_after' in runner.message_hub.runtime_info:  # and resumed
            runner.train_loop.stop_training = True

    def before_train_epoch(self, runner: Runner) -> None:
        loss = find_cmi_loss(runner.model)
        if self.statistics is None:
            self.statistics = ClassStatistics(
                loss.num_classes, loss.log_centroids.device, track_tail=False
            )
        self.statistics.reset()
        loss.statistics = self.statistics
        # Known before the epoch: what the CheckpointHook saved last.
        self.good_checkpoint = runner.message_hub.runtime_info.get('last_ckpt')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        if self.every_n_train_iters(runner, CHECK_EVERY):
            loss = find_cmi_loss(runner.model)
            self._require_finite(runner, loss.statistics)
            figures = epoch_figures(loss.statistics, loss, start_of(runner))
            for name in [n for n in _LIVE if n in figures]:  # of this process
                runner.message_hub.update_scalar(f'train/mcmi_{name}', figures[name])

    def after_train_epoch(self, runner: Runner) -> None:
        loss = find_cmi_loss(runner.model)
        statistics, loss.statistics = loss.statistics, None
        statistics.all_reduce()
        self._require_finite(runner, statistics)
        start = start_of(runner)
        figures = epoch_figures(statistics, loss, start)
        history = runner.message_hub.runtime_info.get('mcmi_history', [])
        history = [*history, dict(epoch=runner.epoch + 1, **figures)]
        runner.message_hub.update_info('mcmi_history', history)
        runner.visualizer.add_scalars(
            # Not mcmi/, which CMIMetric writes of the validation set.
            {f'train_mcmi/{name}': value for name, value in figures.items()},
            step=runner.epoch + 1,
        )
        log_line(f'epoch {runner.epoch + 1}: {figures_in_words(figures)}')
        if loss.lmda != 0:
            self._check_cliff(runner, loss, cliff(history, start))

    def after_train(self, runner: Runner) -> None:
        find_cmi_loss(runner.model).statistics = None

    def _check_cliff(self, runner: Runner, loss: CMILoss, reason: str | None) -> None:
        if reason is None:
            return
        epochs = runner.message_hub.runtime_info.get('mcmi_cliff', {}).get('epochs', [])
        found = dict(epochs=[*epochs, runner.epoch + 1], reason=reason)
        runner.message_hub.update_info('mcmi_cliff', found)
        key, value = 'mcmi.lmda', loss.lmda
        if loss.controller is not None:
            key, value = 'mcmi.eps', loss.controller.eps
        advice = f'lower {key} (now {value:g})'
        bound = runner.message_hub.runtime_info.get('mcmi_safe_lambda')
        if bound is not None and loss.form == 'fixed' and loss.reward == 'cmi':
            advice += f'; labels may flip near {bound:.3g}'
        if self.on_cliff == 'warn':
            log_warning(f'off the cliff: {reason}; {advice}')
            return
        if self.good_checkpoint is None:
            raise UserError(
                f'{key}={value:g}: off the cliff in the first epoch, {reason}; '
                f'there is no good teacher to keep: {advice}'
            )
        log_warning(
            f'off the cliff: {reason}; stopped, the teacher of epoch '
            f'{runner.epoch} is kept; {advice}'
        )
        runner.message_hub.update_info('mcmi_stopped_after', runner.epoch)
        runner.load_checkpoint(self.good_checkpoint, strict=True)
        runner.train_loop.stop_training = True

    def _require_finite(self, runner: Runner, statistics: ClassStatistics) -> None:
        if not statistics.is_finite():
            raise UserError(
                f'the teacher predicts NaN or infinity in epoch {runner.epoch + 1}, by '
                f'iteration {runner.iter + 1}; lower mcmi.lr_factor or '
                'mcmi.lmda, or train without --amp'
            )


def start_of(runner: Runner) -> dict[str, float] | None:
    """What training steps started from, where the :class:`CentroidHook` took it."""
    return runner.message_hub.runtime_info.get('mcmi_start')


def epoch_figures(
    statistics: ClassStatistics, loss: CMILoss, start: dict[str, float] | None = None
) -> dict[str, float]:
    """CE, surrogate, CMI, LL, entropy and rise in nats, accuracy in per cent.

    The rise is that of the cross-entropy since ``start``, where the centroids follow.
    A lambda is among them where a budget sets it: its average over the last quarter
    of an epoch or so.
    """
    figures = dict(
        ce=-statistics.log_likelihood(),
        cmi=statistics.cmi(),
        ll=statistics.log_likelihood(),
        entropy=statistics.entropy(),
        accuracy=statistics.accuracy(),
    )
    if start is not None and loss.form != 'fixed':
        figures['rise'] = start['ll'] - figures['ll']
    if loss.controller is not None:
        figures['lmda'] = loss.controller.lmda_average.item()
    # The centroids are Q0, once they are there: not while a teacher is first trained.
    fixed = loss.form == 'fixed' and loss.reward == 'cmi'
    if fixed and not loss.log_centroids.isnan().any():
        figures['surrogate'] = statistics.surrogate(loss.log_centroids)
    return figures


def figures_in_words(figures: dict[str, float]) -> str:
    """One line of the log."""
    parts = [f'CE {figures["ce"]:.4f}']
    if 'rise' in figures:
        parts[0] += f' (rise {figures["rise"]:+.4f})'
    if 'lmda' in figures:
        parts.append(f'lambda {figures["lmda"]:.3g}')
    if 'surrogate' in figures:
        parts.append(f'KL(P||Q0) {figures["surrogate"]:.4f}')
    parts += [
        f'CMI {figures["cmi"]:.4f}',
        f'LL {figures["ll"]:.4f} nats',
        f'training accuracy {figures["accuracy"]:.2f} %',
    ]
    return ', '.join(parts)


def cliff(history: list[dict], start: dict[str, float] | None = None) -> str | None:
    """Why the last epoch of a fine-tune is past the cliff, or None if it is not."""
    last, start = history[-1], start or {}
    samples = start.get('num_samples', math.inf)
    surrogate, first = last.get('surrogate', 0), start.get('surrogate', 0)
    apart = first - start.get('cmi', 0) if first else 0.0
    # A sample's KL varies as much as it is large.
    chance = CHANCE * first / math.sqrt(samples)
    moved = surrogate - last['cmi'] - apart
    if moved > max(PARTED_RATIO * last['cmi'], PARTED_NATS, chance):
        reason = (
            f'KL(P||Q0) {surrogate:.3f} and the CMI {last["cmi"]:.3f} part '
            'ways: the centroids are being left'
        )
        if apart > PARTED_NATS:
            reason += f' (they were {apart:.3f} apart before the first step)'
        return reason
    best = max(epoch['accuracy'] for epoch in [*history, *([start] if start else [])])
    share = (best + last['accuracy']) / 200
    chance = 100 * CHANCE * math.sqrt(share * (1 - share) / samples)
    if last['accuracy'] < best - max(ACCURACY_FALL, chance):
        return (
            f'training accuracy fell from {best:.1f} to {last["accuracy"]:.1f} % '
            'while lambda pulls'
        )
    return None
