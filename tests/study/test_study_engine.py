"""Cells are ordinary runs: resumed, never repeated, and the same by hand."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from conftest import PROJECT, run_tool
from mmengine.hooks import CheckpointHook
from small_study import BASE, EPOCHS, STUDY, run_study, write_study

from mcmi_plugin.cells.cell import find_result
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_study.plan import read_study


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """The tiny study, run once: (path, work dir, what run_study returned)."""
    folder = tmp_path_factory.mktemp('study')
    path = write_study(folder)
    return path, folder / 'work', run_study(path, folder / 'work')


def test_every_arm_runs_with_every_seed(finished):
    _, work, (study, results, failures, _) = finished
    assert not failures
    assert [(r['arm'], r['seed']) for r in results] == [
        (arm, seed) for seed in (0, 1) for arm in STUDY['arms']
    ]
    for result in results:
        values = result['values']
        assert list(values) == STUDY['measures']
        matrix = torch.tensor(values['confusion']['matrix'])
        assert matrix.sum() == 120
        right = 100 * matrix.diagonal().sum().item() / 120
        assert values['student_accuracy'] == pytest.approx(right)
        assert values['collapsed'] is False
    # The MLL teacher of a seed is shared among its arms, seeds have their own.
    assert len(list((work / 'teachers').glob('*-mll-*/teacher.pth'))) == 2
    # Arms and seeds are different runs.
    assert len({r['values']['student_ll'] for r in results}) == len(results)
    assert len({r['values']['teacher_cmi'] for r in results}) == len(results)


def test_being_watched_costs_no_samples(finished):
    """Batches keep one data sample, as in a training that nobody watches."""
    (study, _, _, _) = finished[2]
    logs = [log for c in study.cells for log in Path(c.directory).glob('*/*.log')]
    assert len(logs) >= len(study.cells)
    assert not any('single data samples' in log.read_text() for log in logs)


def test_measures_are_those_of_the_checkpoints(finished):
    from mcmi_plugin.datasets import SyntheticGaussian

    _, _, (_, results, _, _) = finished
    data = SyntheticGaussian('test', num_test=120)
    x = torch.stack(
        [torch.from_numpy(data.get_data_info(i)['img']) for i in range(120)]
    )
    labels = torch.tensor([data.get_data_info(i)['gt_label'] for i in range(120)])
    for result in results:
        state = load_checkpoint_file(f'{result["directory"]}/epoch_2.pth')['state_dict']
        log_probs = {}
        for who in ('architecture', 'teacher'):
            w = {
                k.removeprefix(f'{who}.'): v.double()
                for k, v in state.items()
                if k.startswith(f'{who}.')
            }
            hidden = x.double()
            for i in (0, 2):
                hidden = hidden @ w[f'backbone.layers.{i}.weight'].T
                hidden = (hidden + w[f'backbone.layers.{i}.bias']).relu()
            logits = hidden @ w['head.fc.weight'].T + w['head.fc.bias']
            log_probs[who] = logits.log_softmax(1)
        student, teacher = log_probs['architecture'], log_probs['teacher']
        values = result['values']
        right = (student.argmax(1) == labels).double().mean().item()
        assert values['student_accuracy'] == pytest.approx(100 * right)
        ll = student.gather(1, labels[:, None]).mean().item()
        assert values['student_ll'] == pytest.approx(ll, abs=1e-5)
        right = (teacher.argmax(1) == labels).double().mean().item()
        assert values['teacher_accuracy'] == pytest.approx(100 * right)
        same = (teacher.argmax(1) == student.argmax(1)).double().mean().item()
        assert values['agreement'] == pytest.approx(100 * same)


def test_report_says_everything(finished):
    _, work, (_, results, _, printed) = finished
    table = (work / 'report/table.md').read_text()
    for text in (table, printed):
        assert '99.99 +- 0.01' in text and "paper's" in text
        assert 'MCMI: ' in text and 'against lambda = 0 (n = 2 pairs): ' in text
        assert 'lambda = 0: ' in text and 'against MLL (n = 2 pairs): ' in text
        assert 'bars is not drawn' in text  # a grid that is not there
    assert '0 of 2' in table  # collapsed
    assert '![figure1_bars](figure1_bars.png)' in table
    assert (work / 'report/figure1_bars.png').stat().st_size > 1000
    kept = json.loads((work / 'report/results.json').read_text())
    assert kept['results'] == results
    behind = (work / 'report/provenance.md').read_text()
    assert all(result['command'] in behind for result in results)
    assert f'torch {torch.__version__}' in behind


def test_nothing_finished_is_run_again(finished):
    path, work, (_, results, _, _) = finished
    before = {p: p.stat().st_mtime_ns for p in work.glob('cells/**/*') if p.is_file()}

    _, again, _, printed = run_study(path, work)
    _, fewer, _, _ = run_study(path, work, scale='small', arms=['MLL'])

    assert again == results
    assert '6 cells, 6 finished before' in printed
    # Another scale, and a part of it, wants the same cells; the controls come along.
    assert fewer == results[:2]
    assert before == {
        p: p.stat().st_mtime_ns for p in work.glob('cells/**/*') if p.is_file()
    }


def test_other_options_are_another_cell(finished):
    path, work, (study, _, _, _) = finished
    other = read_study(
        path, 'smoke', str(work), options={'optim_wrapper.optimizer.lr': 1e-4}
    )
    assert not {c.directory for c in study.cells} & {c.directory for c in other.cells}
    elsewhere = read_study(path, 'smoke', f'{work}2')
    assert [c.fingerprint for c in elsewhere.cells] == [
        c.fingerprint for c in study.cells
    ]


def test_a_study_that_was_moved_is_of_its_new_place(finished, tmp_path):
    path, work, (study, _, _, _) = finished
    shutil.copytree(work, tmp_path / 'moved')
    cells = read_study(path, 'smoke', str(tmp_path / 'moved')).cells
    for cell in cells:
        found = find_result(cell, study.measures)
        assert found['directory'] == str(cell.directory)
        assert f'--work-dir {cell.directory} ' in found['command']


def test_a_new_measure_is_taken_without_training_again(finished):
    path, work, (_, results, _, _) = finished
    directory = work / 'cells'
    before = {p: p.stat().st_mtime_ns for p in directory.rglob('*.pth')}
    (work.parent / 'more').mkdir(exist_ok=True)
    more = write_study(work.parent / 'more', measures=['teacher_entropy'], paper=[])

    _, again, _, _ = run_study(more, work, seeds=1, arms=['MLL'])

    assert again[0]['values'].keys() == {*STUDY['measures'], 'teacher_entropy'}
    for name in STUDY['measures']:
        assert again[0]['values'][name] == results[0]['values'][name]
    assert before == {p: p.stat().st_mtime_ns for p in directory.rglob('*.pth')}


def test_the_command_of_a_cell_gives_the_same_by_hand(finished, tmp_path, server):
    _, _, (_, results, _, _) = finished
    result = results[-1]  # MCMI, seed 1
    words = shlex.split(result['command'])
    assert words[:2] == ['python', 'tools/train.py']
    words[words.index('--work-dir') + 1] = str(tmp_path / 'by_hand')
    words = [w for w in words if not w.startswith('mcmi.teacher_dir')]  # make it too

    run_tool('train.py', *words[2:], cwd=PROJECT, server=server)

    ours, by_hand = (
        load_checkpoint_file(f'{folder}/epoch_2.pth')['state_dict']
        for folder in (result['directory'], tmp_path / 'by_hand')
    )
    assert list(ours) == list(by_hand)
    assert all(torch.equal(ours[name], by_hand[name]) for name in ours)


def test_a_killed_cell_goes_on(finished, tmp_path, monkeypatch):
    path, _, (_, results, _, _) = finished
    saved = CheckpointHook.after_train_epoch
    counted = []

    def killed(self, runner):
        saved(self, runner)
        counted.append(runner.epoch)
        if hasattr(runner.model, 'teacher'):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CheckpointHook, 'after_train_epoch', killed)
        run_study(path, tmp_path / 'work', seeds=1, arms=['MLL'])
    assert not list(tmp_path.rglob('result.json'))
    assert len(list(tmp_path.rglob('seed0-*/epoch_1.pth'))) == 1
    epochs = []

    def noted(self, runner):
        saved(self, runner)
        if hasattr(runner.model, 'teacher'):
            epochs.append(runner.epoch)

    monkeypatch.setattr(CheckpointHook, 'after_train_epoch', noted)
    _, resumed, _, _ = run_study(path, tmp_path / 'work', seeds=1, arms=['MLL'])

    assert epochs == [1, 0, 1]  # the first cell went on, the second began
    assert [r['values'] for r in resumed] == [r['values'] for r in results[:2]]


def test_a_cell_that_fails_does_not_stop_the_others(tmp_path):
    # Past all bounds: the fine-tune ends in NaN, which is one line.
    arms = {**STUDY['arms'], 'MCMI': {'mcmi.lmda': 0.5, 'mcmi.lr_factor': 1e30}}
    path = write_study(tmp_path, arms=arms)

    _, results, failures, printed = run_study(path, tmp_path / 'work', seeds=1)

    assert [r['arm'] for r in results] == ['MLL', 'lambda = 0']
    (line,) = failures
    assert line.startswith('MCMI, seed 0: ') and 'NaN' in line
    assert line in (tmp_path / 'work/report/table.md').read_text()
    assert '[3/3] MCMI, seed 0: failed' in printed
    assert 'a single run shows no spread' in printed
    assert 'against lambda = 0' not in printed  # which may all be chance


def test_a_teachers_figures_are_those_of_its_own_training_set(tmp_path):
    # The student has half of the samples only, the teacher all of them.
    base = tmp_path / 'half.py'
    base.write_text(f"""
_base_ = {str(BASE)!r}
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ClassFraction', fraction=0.5,
        dataset=dict(_base_.train_dataloader.dataset, num_train=120)))
mcmi = dict(dataset=dict(_base_.train_dataloader.dataset, num_train=120))
""")
    options = {**EPOCHS, 'test_dataloader.dataset.num_test': 120}
    scales = dict(smoke=dict(config=str(base), seeds=1, options=options))
    changes = dict(scales=scales, measures=['teacher_ll'], paper=[], figures=[])

    path = write_study(tmp_path, **changes)
    _, results, _, _ = run_study(path, tmp_path / 'work')

    for result in results[1:]:  # the MLL teacher's file has no such figure
        made = load_checkpoint_file(result['teacher'])['meta']['mcmi']
        assert made['after']['train']['num_samples'] == 120
        expected = made['after']['train']['ll']
        assert result['values']['teacher_ll'] == pytest.approx(expected, abs=1e-6)
