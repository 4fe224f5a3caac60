"""The search over real Optuna studies, with students that are made up."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.trial import TrialState
from rich.console import Console

from mcmi_plugin.cells.arms import CONTROLS
from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.progress import advancing
from mcmi_plugin.sweep import command, report, search
from mcmi_plugin.sweep.search import Sweep, ended, name_of, open_study, run_sweep

SETTINGS = {
    **CONTROLS,
    'MCMI, lambda = 0.1': {'mcmi.lmda': 0.1},
    'MCMI, lambda = 0.4': {'mcmi.lmda': 0.4},
}
EPOCHS = 4


class MadeUp:
    """In place of training: accuracy peaks at lambda 0.2; the cliff is at 0.35."""

    def __init__(self, monkeypatch, die_at=None):
        self.runs = []
        self.epochs = []
        self.die_at = die_at
        self.finished = {}
        monkeypatch.setattr(search, 'run_cell', self.run_cell)
        monkeypatch.setattr(search, 'find_result', self.find_result)
        monkeypatch.setattr(search, 'teacher_figures', self.figures)

    def cell_of(self, name, setting, seed):
        return SimpleNamespace(lmda=setting.get('mcmi.lmda'), seed=seed)

    def find_result(self, cell, measures):
        return self.finished.get((cell.lmda, cell.seed))

    def figures(self, runner):
        lmda = runner.lmda or 0.0
        return dict(cmi=lmda, ll=-lmda, off_the_cliff=lmda > 0.35, path='')

    def run_cell(self, cell, measures, functions, hooks):
        assert measures.keys() == functions.keys() == {'score', 'teacher'}
        if len(self.runs) == self.die_at:
            self.die_at = None
            raise KeyboardInterrupt
        self.runs.append((cell.lmda, cell.seed))
        runner = SimpleNamespace(lmda=cell.lmda, max_epochs=EPOCHS, epoch=0)
        for hook in hooks:
            hook.before_train(runner)
        lmda = cell.lmda or 0.0
        for epoch in range(1, EPOCHS + 1):
            runner.epoch = epoch
            self.epochs.append((lmda, epoch))
            accuracy = 80 + epoch + cell.seed - 50 * abs(lmda - 0.2)
            for hook in hooks:
                hook.after_val_epoch(runner, {'student.accuracy/top1': accuracy})
        values = dict(score=accuracy, teacher=self.figures(runner))
        self.finished[cell.lmda, cell.seed] = dict(values=values)
        return dict(values=values)


def sweep_of(world, trials=6, seeds=2):
    return Sweep(world.cell_of, SETTINGS, 0.05, 0.4, seeds, trials)


def swept(sweep, on_trial=lambda study: None):
    study = open_study('j', 'this config')
    run_sweep(sweep, study, lambda: on_trial(study))
    return study


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_controls_come_first_then_the_grid_then_proposals(monkeypatch):
    world = MadeUp(monkeypatch)
    study = swept(sweep_of(world))
    names = [name_of(trial) for trial in study.trials]
    assert names[:4] == list(SETTINGS)
    assert len(names) == 6
    proposed = [trial.params['lmda'] for trial in study.trials[4:]]
    assert all(0.05 <= lmda <= 0.4 for lmda in proposed)
    best = max(study.trials[:4], key=lambda trial: trial.value or 0)
    assert name_of(best) == 'MCMI, lambda = 0.1'
    assert best.value == pytest.approx(80 + EPOCHS + 0.5 - 5)  # mean of two seeds
    assert best.user_attrs['scores'] == pytest.approx([79, 80])


def test_a_teacher_off_the_cliff_costs_no_student(monkeypatch):
    world = MadeUp(monkeypatch)
    study = swept(sweep_of(world, trials=4))
    fallen = study.trials[3]
    assert fallen.state == TrialState.PRUNED
    assert fallen.user_attrs['teachers'][0]['off_the_cliff']
    assert not [epoch for lmda, epoch in world.epochs if lmda == 0.4]


def test_a_hopeless_student_is_stopped_early(monkeypatch):
    settings = {
        f'lambda {lmda}': {'mcmi.lmda': lmda} for lmda in (0.2, 0.19, 0.21, 0.05)
    }
    world = MadeUp(monkeypatch)
    sweep = Sweep(world.cell_of, settings, 0.05, 0.4, 1, 5)
    monkeypatch.setattr(
        search.optuna.pruners, 'MedianPruner', pruner_of(n_startup_trials=3)
    )
    study = swept(sweep)
    assert study.trials[3].state == TrialState.PRUNED
    assert [epoch for lmda, epoch in world.epochs if lmda == 0.05] == [1]


def pruner_of(**fixed):
    median = search.optuna.pruners.MedianPruner
    return lambda **kwargs: median(**{**kwargs, **fixed})


def test_a_sweep_killed_while_it_wrote_goes_on(monkeypatch):
    world = MadeUp(monkeypatch)
    swept(sweep_of(world, trials=4))
    whole = Path('j').read_text()
    Path('j').write_text(whole + '{"op_code": 5, "wor')
    again = swept(sweep_of(world, trials=5))
    assert len(ended(again)) == 5
    assert all(map(json.loads, Path('j').read_text().splitlines()))


def test_a_killed_sweep_goes_on_and_repeats_nothing_but_the_killed(monkeypatch):
    world = MadeUp(monkeypatch, die_at=3)  # in the second setting's second seed
    with pytest.raises(KeyboardInterrupt):
        swept(sweep_of(world, trials=4))
    seen = []

    def count(study):
        seen.append(len(ended(study)))

    study = swept(sweep_of(world, trials=4), count)
    assert seen[0] == 1  # MLL was there
    assert seen == [1, 2, 3, 4]
    assert world.runs == [
        *[(None, 0), (None, 1), (0.0, 0)],  # then it was killed
        *[(0.1, 0), (0.1, 1), (0.4, 0)],
        (0.0, 1),  # its first seed had a result
    ]
    assert sorted(map(name_of, ended(study))) == sorted(SETTINGS)
    again = swept(sweep_of(world, trials=4), count)
    assert len(again.trials) == len(study.trials)


def test_running_trials_of_a_dead_process_are_queued_again(monkeypatch):
    world = MadeUp(monkeypatch)
    study = swept(sweep_of(world, trials=2))
    killed = study.ask()  # SIGKILL leaves it as running
    assert name_of(killed) == 'MCMI, lambda = 0.1'
    study = swept(sweep_of(world, trials=4))
    assert sorted(map(name_of, ended(study))) == sorted(SETTINGS)


def test_more_seeds_are_run_where_they_lack(monkeypatch):
    """Of a proposal too; a teacher off the cliff gets none."""
    world = MadeUp(monkeypatch)
    first = swept(sweep_of(world, trials=5, seeds=1))
    proposed = first.trials[4].params['lmda']
    before = list(world.runs)
    study = swept(sweep_of(world, trials=5, seeds=3))
    lmdas = [None, 0.0, 0.1, float(f'{proposed:.3g}')]
    assert sorted(world.runs[len(before) :], key=str) == sorted(
        [(lmda, seed) for lmda in lmdas for seed in (1, 2)], key=str
    )
    rows = report.rows_of(study)
    assert [len(row['scores']) for row in rows] == [3, 3, 3, 0, 3]
    assert len(ended(study, 3)) == 5


def test_a_journal_of_another_sweep_is_refused(monkeypatch):
    swept(sweep_of(MadeUp(monkeypatch), trials=2))
    with pytest.raises(UserError, match='^j is of another config, or of other vers'):
        open_study('j', 'another config')
    open_study('j', 'this config')


def test_a_line_for_every_trial(monkeypatch, capsys):
    world = MadeUp(monkeypatch)
    for trials, seen in ((2, []), (4, ['2 of 4: there already'])):
        with advancing(Console(width=30), trials) as progress:
            swept(
                sweep_of(world, trials=trials),
                lambda study, progress=progress: command._tell(study, 2, progress),
            )
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2 + len(seen)
        assert lines[: len(seen)] == seen
    about_teacher = 'its teacher: CMI 0.1000, LL -0.1000 nats'
    assert (
        lines[1]
        == f'3 of 4: MCMI, lambda = 0.1: student 79.50 % (n = 2); {about_teacher}'
    )
    assert lines[2].startswith('4 of 4: MCMI, lambda = 0.4: off the cliff; its teacher')


def test_students_without_an_accuracy_are_refused():
    report = search.Report(SimpleNamespace(report=None), 0)
    runner = SimpleNamespace(max_epochs=1, epoch=1)
    with pytest.raises(UserError) as error:
        report.after_val_epoch(runner, {'single-label/recall': 1.0})
    assert str(error.value) == (
        'val_evaluator: gives single-label/recall and no top-1 accuracy, by which '
        "students are compared; add dict(type='Accuracy')"
    )
