"""What a Runner's terminal has, and what is in its log file alone."""

import re
from types import SimpleNamespace

import pytest
from small_runs import config

from mcmi_plugin.fast.postponed_log import PostponedLog
from mcmi_plugin.job import PlaceInJob, tell_place
from mcmi_plugin.runner import build
from mcmi_plugin.runner.build import OF_THE_FILE, build_runner

# Warnings that a Runner of these tests gives no reason for.
ELSEWHERE = ('init_weights of ', '"HardDiskBackend" is the alias')


def run(tmp_path, place: PlaceInJob | None = None, **changes):
    runner = build_runner(config(tmp_path, **changes))
    if place is not None:
        tell_place(runner, place)
    runner.train()
    (log,) = tmp_path.glob('*/*.log')
    return runner, log


def test_what_says_the_same_again_is_in_the_file_alone(tmp_path, capsys):
    _, log = run(tmp_path, log_level='INFO')
    shown, kept = capsys.readouterr().out, log.read_text()
    for words in OF_THE_FILE:
        assert words not in shown
        assert words in ELSEWHERE or words in kept, words
    assert f'environment, config and hooks: {log}' in shown
    assert 'Epoch(train)' in shown and 'Epoch(val)' in shown
    assert len(shown.splitlines()) < 20 < 150 < len(kept.splitlines())


def test_debug_has_all_of_it_on_the_terminal(tmp_path, capsys):
    run(tmp_path, log_level='DEBUG', lean=False, resident=False)
    shown = capsys.readouterr().out
    assert 'System environment:' in shown and 'Hooks will be executed' in shown


@pytest.mark.parametrize('lean', [False, True])
def test_the_log_says_when_the_job_is_done(lean, tmp_path, monkeypatch):
    fits = []
    asked = PostponedLog.fits
    monkeypatch.setattr(
        PostponedLog,
        'fits',
        staticmethod(lambda *a: fits.append(asked(*a)) or fits[-1]),
    )
    changes = dict(log_level='INFO', log_processor=dict(type='JobLogProcessor'))
    place = PlaceInJob(stage=1, stages=3, epochs_after=2, iterations_after=1_000_000)
    _, log = run(tmp_path, place, lean=lean, **changes)
    found = re.findall(r'eta: (\S+) \(job (.+?)\)  time: ', log.read_text())
    assert len(found) == 4  # every second of five iterations, in two epochs
    assert all(eta != job for eta, job in found)
    assert fits == [True, True] * lean  # no iteration waits for what is only logged


def test_a_single_stage_has_mmengines_lines(tmp_path):
    changes = dict(log_level='INFO', log_processor=dict(type='JobLogProcessor'))
    _, log = run(tmp_path, **changes)
    assert 'eta: ' in log.read_text() and '(job' not in log.read_text()


@pytest.mark.parametrize(('steps', 'told'), [(1, False), (4, True)])
def test_accumulation_is_not_counted_and_the_log_says_so(steps, told, tmp_path, capsys):
    wrapper = dict(optimizer=dict(type='SGD', lr=0.08), accumulative_counts=steps)
    runner, _ = run(
        tmp_path,
        log_level='INFO',
        optim_wrapper=wrapper,
        auto_scale_lr=dict(enable=True, base_batch_size=64),
    )
    assert runner.param_schedulers[0].base_values == [0.08 * 16 / 64]
    said = capsys.readouterr().out
    assert ('the 4 batches of optim_wrapper.accumulative_counts' in said) == told
    assert ('divide auto_scale_lr.base_batch_size by 4' in said) == told


def test_a_runner_type_that_nobody_knows(tmp_path):
    with pytest.raises(KeyError, match='ResidentRuner'):
        build_runner(config(tmp_path, runner_type='ResidentRuner'))


def test_peak_memory_is_told_once(tmp_path, monkeypatch):
    """What the stage of a teacher has needed is not the student's."""
    runner = build_runner(config(tmp_path, log_level='INFO'))
    cuda = dict(
        is_available=lambda: True, reset_peak_memory_stats=lambda: calls.append(1),
        get_device_name=lambda: 'a card', max_memory_allocated=lambda: 3 * 2**20,
        max_memory_reserved=lambda: 5 * 2**20,
    )  # fmt: skip
    calls = []
    monkeypatch.setattr(build, 'torch', SimpleNamespace(cuda=SimpleNamespace(**cuda)))
    runner.train()
    (log,) = tmp_path.glob('*/*.log')
    lines = [line for line in log.read_text().splitlines() if 'peak memory' in line]
    assert len(lines) == len(calls) == 1
    assert 'on a card: 3 MiB allocated, 5 MiB reserved' in lines[0]
