"""How a job with several stages is announced: which of how many, and what it makes."""

import re

import pytest
import small_jobs

from mcmi_plugin.job import JobPlan, PlaceInJob
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.planned import plan_of, title_of


def test_every_stage_has_its_number_and_what_follows():
    plan = JobPlan(dict(mll=15, mcmi=10, control=10), 640)
    assert plan.place('mll') == PlaceInJob(1, 4, 20, 640)
    assert plan.place('control') == PlaceInJob(3, 4, 0, 640)
    assert plan.place('student') == PlaceInJob(4, 4)
    assert plan.place('mcmi').before('this') == 'stage 2 of 4: this'
    assert JobPlan({}, 640).place('student').before('this') == 'this'


@pytest.mark.parametrize(
    ('options', 'has_teacher', 'stages'),
    [
        (dict(lmda=0.1, control=True, mll_epochs=3), False, ['mll', 'mcmi', 'control']),
        (dict(lmda=0.1, control=True, mll_epochs=3), True, ['mcmi', 'control']),
        (dict(lmda=0.0, control=True), True, ['mcmi']),  # is its own control
        (dict(form='none', control=True), True, []),
        (dict(form='budget', control=True), True, ['mcmi', 'control']),
    ],
)
def test_the_stages_are_those_that_the_config_has(options, has_teacher, stages):
    assert list(plan_of(TeacherOptions(**options), has_teacher, 5).epochs) == stages


def test_a_control_is_not_called_the_mcmi_teacher():
    options = TeacherOptions(lmda=0.1)
    assert title_of(options, 'mcmi') == 'MCMI teacher'
    assert title_of(options.of_control(), 'mcmi') == 'lambda = 0 control'
    smoothed = TeacherOptions(lmda=0.1, reward='label_smoothing')
    assert title_of(smoothed, 'mcmi') == 'label smoothing control'


def announced(printed: str) -> list[str]:
    return re.findall(r'stage \d of \d: .*', printed)


def test_a_job_from_its_first_stage_to_its_student(tmp_path, capsys):
    options = dict(mcmi__control=True, log_level='INFO')
    small_jobs.job(tmp_path, **options)
    printed = capsys.readouterr().out
    folder = str(tmp_path / 'mcmi_teachers')
    first, second, third, last = announced(printed)
    assert first.startswith(
        f'stage 1 of 4: making the MLL teacher (1 epoch) in {folder}'
    )
    assert second.startswith(
        f'stage 2 of 4: making the MCMI teacher (lambda 0.25, 1 epoch) in {folder}'
    )
    assert third.startswith('stage 3 of 4: making the lambda = 0 control (1 epoch) in')
    assert last.startswith('stage 4 of 4: the student (1 epoch); the teacher of this')
    assert last.count('lmda0.25') == 1
    assert (
        '4 stages: MLL teacher, 1 epoch; MCMI teacher, 1 epoch; lambda = 0' in printed
    )
    assert len(re.findall(r'Epoch\(train\) .* eta: \S+ \(job ', printed)) == 3
    # What nobody reads twice is in the files.
    before, _, _ = printed.partition('Epoch(train)')
    assert len(before.splitlines()) < 40
    for words in (
        'System environment:',
        'custom_hooks = [',
        'Hooks will be',
        'Exp name',
    ):
        assert words not in printed
    logs = [*tmp_path.rglob('*.log')]
    assert len(logs) == 4
    assert all('System environment:' in log.read_text() for log in logs)
    assert all(f'environment, config and hooks: {log}' in printed for log in logs)

    small_jobs.job(tmp_path, **options)
    first, second, third, last = announced(capsys.readouterr().out)
    assert first.startswith('stage 1 of 4: MLL teacher found: ')
    assert second.startswith('stage 2 of 4: MCMI teacher found: ')
    assert third.startswith('stage 3 of 4: lambda = 0 control found: ')


def test_what_mll_epochs_are_for_is_said_where_they_are_not_used(tmp_path, capsys):
    given = small_jobs.saved(
        tmp_path / 'a.pth', small_jobs.network(tmp_path).state_dict()
    )
    small_jobs.job(tmp_path, model__teacher_ckpt=given, mcmi__mll_epochs=7)
    said = capsys.readouterr().out
    line = f'mcmi.mll_epochs=7: is not used, because a teacher is given ({given})'
    assert said.count(line) == 1
    small_jobs.job(tmp_path, model__teacher_ckpt=given, mcmi__mll_epochs=None)
    assert 'is not used' not in capsys.readouterr().out
