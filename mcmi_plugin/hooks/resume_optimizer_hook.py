"""What a resumed run takes from its checkpoint, and what from its config."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.optimizer_numbers import fit_to_optimizers
from mcmi_plugin.hooks.optimizer_settings import (
    Settings,
    count_in_own_epochs,
    of_schedule,
    optimizers,
    restart,
    schedulers,
    settings_of,
    step_to_now,
    without_functions,
)
from mcmi_plugin.log import log_warning

NOTE = 'optimizer_settings'  # in the message hub, hence in the checkpoints
# What is compared with a checkpoint that has no note.
_TOLD = ('lr', 'momentum', 'weight_decay', 'betas', 'nesterov')


@HOOKS.register_module()
class ResumeOptimizerHook(Hook):
    """Go on with the checkpoint's optimizer, by the rates of the config.

    mmengine takes learning rate, momentum, weight decay and the whole schedule out
    of the checkpoint, so that a run which is resumed with more epochs, another
    schedule or another rate goes on as if its config had stayed as it was. Here a
    checkpoint notes what the config of its run said. Where the present one says
    something else, its schedule is stepped to where the run is, and what else has
    changed is set. Of epochs of another length, as with more processes, those that
    are done count by their new length. The optimizer's memory, such as its momentum
    buffers, is the checkpoint's, and where both configs say the same, so is
    everything.

    A checkpoint whose optimizer holds the frozen parameters too is fitted to one
    that leaves them out (``fast``), and the reverse.

    Raises:
        UserError: a checkpoint of another optimizer, or a schedule that follows the
            validations and has been changed.
    """

    # Before an MCMI teacher is made, which takes long.
    priority = 'HIGHEST'

    def before_run(self, runner: Runner) -> None:
        self._begun: dict[str, Settings] = settings_of(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume and 'optimizer' in checkpoint:
            fit_to_optimizers(runner, checkpoint['optimizer'])

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # OneCycleLR keeps a function, which no safe reader of the file would take.
        saved = checkpoint.get('param_schedulers', [])
        for states in saved.values() if isinstance(saved, dict) else [saved]:
            states[:] = map(without_functions, states)

    def before_train(self, runner: Runner) -> None:
        before = runner.message_hub.runtime_info.get(NOTE)
        now = {name: begun.described() for name, begun in self._begun.items()}
        runner.message_hub.update_info(NOTE, now)
        if not runner._resume or runner.iter == 0:
            return
        count_in_own_epochs(runner)
        if before != now:
            self._follow_config(runner, before, now)

    def _follow_config(self, runner: Runner, before: dict | None, now: dict) -> None:
        had = settings_of(runner)
        restarted = []
        for name, wrapper in optimizers(runner):
            noted = before[name] if before else _told(had[name])
            scheduled = {*noted['scheduled'], *now[name]['scheduled']}
            rates = False
            pairs = zip(noted['groups'], now[name]['groups'], strict=True)
            for index, (old, new) in enumerate(pairs):
                for key in [k for k in new if new[k] != old.get(k, new[k])]:
                    if of_schedule(key, scheduled):
                        rates = True
                    else:
                        value = self._begun[name].groups[index][key]
                        wrapper.param_groups[index][key] = value
            if not rates and noted['schedulers'] == now[name]['schedulers']:
                continue
            built = schedulers(runner, name)
            if not any(map(_follows_validations, built)):
                restart(runner, name, self._begun[name], scheduled)
                restarted.append(name)
            elif before and (rates or not self._adapt(built, noted, now[name], name)):
                raise UserError(_FOLLOWS)
        step_to_now(runner, restarted)
        changes = _in_words(had, settings_of(runner))
        if before or changes:
            log_warning(
                "optimizer and schedule are the config's from here on, not those that "
                f'the checkpoint was saved with: {changes or "the same until now"}'
            )

    def _adapt(self, built: list, noted: dict, now: dict, name: str) -> bool:
        """Change how schedules follow validations, and no more; whether that does."""
        if len(noted['schedulers']) != len(built):
            return False
        found = zip(
            built, noted['schedulers'], now['schedulers'], self._begun[name].schedulers,
            strict=True,
        )  # fmt: skip
        for scheduler, old, new, fresh in found:
            if old != new and (
                old.keys() != new.keys() or not _follows_validations(scheduler)
            ):
                return False
            for key in [key for key in new if new[key] != old[key]]:
                setattr(scheduler, key, fresh[key])
        return True


_FOLLOWS = (
    '--resume: param_scheduler follows the validations, and those of the past were '
    'of another rate or schedule; resume by the optim_wrapper and param_scheduler that '
    'the run was begun with, or give the checkpoint as load_from'
)


def _follows_validations(scheduler) -> bool:
    return hasattr(scheduler, 'need_val_args')


def _told(had: Settings) -> dict[str, list]:
    """As much as the state of a checkpoint without a note says of its config."""
    told = [
        {k: v for k, v in g.items() if k in _TOLD} for g in had.described()['groups']
    ]
    return dict(groups=told, schedulers=[], scheduled=[])


def _in_words(had: dict[str, Settings], now: dict[str, Settings]) -> str:
    """``lr 0.0001 -> 0.025``: what has changed, of the first group that has."""
    words: dict[str, str] = {}
    for name, settings_now in now.items():
        for old, new in zip(had[name].groups, settings_now.groups, strict=True):
            for key in old.keys() & new.keys():
                if old[key] != new[key] and not key.startswith('initial_'):
                    word = f'{name}.{key}' if name else key
                    words.setdefault(
                        word, f'{word} {_short(old[key])} -> {_short(new[key])}'
                    )
    return ', '.join(words[word] for word in sorted(words))


def _short(value) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)
