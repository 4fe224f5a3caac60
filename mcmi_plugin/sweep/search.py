"""The search: every control, a grid of lambdas, then what Optuna proposes.

Optuna (https://optuna.org) keeps the trials in one journal file, so that a killed
sweep goes on where it stopped, and its median pruner ends cheap arms early.
"""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import optuna
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from mcmi_plugin.cells.arms import MLL, ZERO
from mcmi_plugin.cells.cell import Cell, find_result, run_cell
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.accuracy import accuracy_in, student_accuracy
from mcmi_plugin.hooks.cmi_monitor_hook import cliff
from mcmi_plugin.sweep.settings import lambda_name
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.weights.held import TEACHER_FILE_KEY

SETTING = 'setting'  # the user attribute that holds a trial's name
OF = 'of'  # the study's that says what is swept


@dataclass(frozen=True)
class Sweep:
    """One sweep: ``cell_of(name, setting, seed)`` is the run of one student."""

    cell_of: Callable[[str, dict, int], Cell]
    settings: dict[str, dict]
    low: float
    high: float
    seeds: int
    trials: int


def open_study(storage: str, of: str) -> optuna.Study:
    """A new study, or the one of an earlier sweep to go on with.

    No other process may have the journal open.

    Args:
        storage: Optuna's journal.
        of: hash of what is swept: its config and the versions.

    Raises:
        UserError: the journal is of another sweep, whose figures would pass for this
            one's.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _cut_torn_line(Path(storage))
    lock = JournalFileOpenLock(storage)
    study = optuna.create_study(
        study_name='mcmi',
        storage=JournalStorage(JournalFileBackend(storage, lock_obj=lock)),
        load_if_exists=True,
        direction='maximize',
        sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=3),
    )
    if study.user_attrs.get(OF, None if study.trials else of) != of:
        raise UserError(
            f'{storage} is of another config, or of other versions; name another '
            '--work-dir, or remove its folder'
        )
    study.set_user_attr(OF, of)
    return study


def _cut_torn_line(journal: Path) -> None:
    """Remove what a kill has left of a line; the next would be written behind it."""
    written = journal.read_bytes() if journal.is_file() else b''
    whole = written.rfind(b'\n') + 1
    if whole < len(written):
        os.truncate(journal, whole)


def run_sweep(sweep: Sweep, study: optuna.Study, on_trial: Callable) -> None:
    """Run what is still to be run of a sweep.

    Args:
        sweep: what to run: all its settings, then proposals up to ``trials``.
        study: as :func:`open_study` gives it.
        on_trial: called before the first trial and after each.
    """
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=len(sweep.settings))
    queue_again(study, sweep.seeds)
    there = {name_of(trial) for trial in ended(study, sweep.seeds)}
    there |= {name_of(trial) for trial in trials(study, TrialState.WAITING)}
    for name, setting in sweep.settings.items():
        if name not in there:
            lmda = setting.get('mcmi.lmda')
            fixed = {'lmda': lmda} if lmda else {}
            study.enqueue_trial(fixed, user_attrs={SETTING: name})
    on_trial()
    while len(ended(study, sweep.seeds)) < sweep.trials:
        study.optimize(lambda trial: objective(trial, sweep), n_trials=1)
        on_trial()


def ended(study: optuna.Study, seeds: int = 1) -> list[FrozenTrial]:
    """The trials that have come to an end, the last one last.

    Args:
        seeds: so many students a trial has, unless it was stopped early.
    """
    return [
        trial
        for trial in trials(study, TrialState.COMPLETE, TrialState.PRUNED)
        if trial.state == TrialState.PRUNED or len(trial.user_attrs['scores']) >= seeds
    ]


def queue_again(study: optuna.Study, seeds: int) -> None:
    """Queue once more what was running when the sweep was killed, or lacks seeds.

    The students that have finished are found.
    """
    killed = trials(study, TrialState.RUNNING)
    for trial in killed:
        study.tell(trial.number, state=TrialState.FAIL)
    there = [*ended(study, seeds), *trials(study, TrialState.WAITING)]
    names = {name_of(trial) for trial in there}
    for trial in [*killed, *ended(study)]:
        if name_of(trial) not in {'', *names}:
            names.add(name_of(trial))
            study.enqueue_trial(trial.params, user_attrs={SETTING: name_of(trial)})


def trials(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=states)


def name_of(trial: Trial | FrozenTrial) -> str:
    """The name that a trial goes by in tables and folders."""
    return trial.user_attrs.get(SETTING, '')


def objective(trial: Trial, sweep: Sweep) -> float:
    """Mean accuracy, in per cent, of the setting's students on held-out data.

    Raises:
        optuna.TrialPruned: the teacher is off the cliff, or the student is behind.
    """
    name = name_of(trial)
    setting = sweep.settings.get(name)
    if setting is None or setting.get('mcmi.lmda'):
        # For a trial that was queued Optuna gives back the value of the queue.
        lmda = trial.suggest_float('lmda', sweep.low, sweep.high, log=True)
        setting = setting or {'mcmi.lmda': float(f'{lmda:.3g}')}
        name = name or lambda_name(lmda)
        trial.set_user_attr(SETTING, name)
    scores, teachers = [], []
    for seed in range(sweep.seeds):
        cell = sweep.cell_of(name, setting, seed)
        result = find_result(cell, MEASURES)
        if result is None:
            result = run_cell(cell, MEASURES, FUNCTIONS, [Report(trial, seed)])
        scores.append(result['values']['score'])
        teachers.append(result['values']['teacher'])
        trial.set_user_attr('scores', scores)
        trial.set_user_attr('teachers', teachers)
    return statistics.fmean(scores)


def score(runner: Runner, cfg: Config) -> float | None:
    """The student's accuracy on held-out data, in per cent."""
    return student_accuracy(runner)


def teacher_figures(runner: Runner, cfg: Config | None = None) -> dict:
    """CMI and LL of a run's teacher in nats, and whether it is off the cliff."""
    path = runner.message_hub.get_info(TEACHER_FILE_KEY)
    made = load_checkpoint_file(path)['meta']['mcmi']
    history = made.get('history') or []
    # Without lambda nothing pulls: a young teacher may leave its first centroids.
    pulled = made.get('lmda') != 0 and bool(history)
    off = pulled and cliff(history, made.get('start')) is not None
    train = (made.get('after') or {}).get('train') or {}
    return dict(cmi=train.get('cmi'), ll=train.get('ll'), off_the_cliff=off, path=path)


FUNCTIONS: dict[str, Callable] = dict(score=score, teacher=teacher_figures)
MEASURES: dict[str, dict] = dict(score={}, teacher={})


class Report(Hook):
    """Tell Optuna how the student is doing, and stop where it is hopeless."""

    priority = 'LOWEST'  # after the teacher is there and the metrics are known

    def __init__(self, trial: Trial, seed: int) -> None:
        self.trial = trial
        self.seed = seed

    def before_train(self, runner: Runner) -> None:
        figures = teacher_figures(runner)
        if figures['off_the_cliff']:
            self.trial.set_user_attr('teachers', [figures])
            raise optuna.TrialPruned('the teacher is off the cliff')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        step = self.seed * runner.max_epochs + runner.epoch
        self.trial.report(accuracy_in(cast(dict[str, Any], metrics)), step)
        if self.trial.should_prune() and name_of(self.trial) not in (MLL, ZERO):
            raise optuna.TrialPruned('behind the median')
