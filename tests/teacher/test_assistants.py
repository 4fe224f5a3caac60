"""A student becomes a teacher: ``student://FILE`` as ``model.teacher_ckpt``."""

from types import SimpleNamespace

import pytest
import torch
from small_jobs import job, network, same, saved

from mcmi_plugin.audit.command import default_folder
from mcmi_plugin.audit.model import fill_teacher
from mcmi_plugin.convert.convert import convert
from mcmi_plugin.errors import UserError
from mcmi_plugin.report.run_origin import provenance_blocks
from mcmi_plugin.teacher.summary import summary_rows
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.weights.held import OF_STUDENT, below
from mcmi_plugin.weights.loading import load_weights, read_weights, weights_hash

FINE_TUNE_ALONE = dict(mcmi__mll_epochs=None)


@pytest.fixture(scope='module')
def first(tmp_path_factory):
    """A distillation of which the student and the teacher are the same network."""
    folder = tmp_path_factory.mktemp('first')
    job(folder)
    return folder / 'run/epoch_1.pth'


@pytest.fixture(scope='module')
def student(first):
    return below(OF_STUDENT, load_checkpoint_file(first)['state_dict'])


def teacher_of(folder, words='*-mcmi-*'):
    (path,) = folder.glob(f'mcmi_teachers/{words}/teacher.pth')
    return load_checkpoint_file(path)


def test_the_assistant_is_fine_tuned_and_says_where_it_came_from(
    first, student, tmp_path
):
    source = f'student://{first}'
    # By the faster parts, whose teacher's convolutions do its batch norms' work.
    runner = job(tmp_path, fast=True, model__teacher_ckpt=source, **FINE_TUNE_ALONE)
    assert type(runner.model).__name__ == 'LeanDistill'
    made = teacher_of(tmp_path)['meta']['mcmi']
    assert made['stage'] == 'mcmi'
    assert made['recipe']['base'] == weights_hash(student)
    base = made['base']
    assert (base['source'], base['stage']) == (source, 'student')
    before = load_checkpoint_file(first)['meta']['mcmi_teacher']
    assert base['teacher']['fingerprint'] == before['fingerprint']
    assert (base['teacher']['stage'], base['teacher']['lmda']) == ('mcmi', 0.25)
    assert 'history' not in base['teacher'] and 'history' not in base['teacher']['base']
    assert summary_rows(made, None, None)[0][0] == 'teacher, distilled'
    (table, _) = provenance_blocks(SimpleNamespace(teacher=dict(mcmi=made)))
    assert dict(table.rows)['student of'].startswith('a teacher with lambda 0.25, ')

    # The next one in the chain has the whole of it.
    last = f'student://{tmp_path / "run/epoch_1.pth"}'
    _, meta = read_weights(last)
    assert meta['mcmi']['teacher']['base']['teacher'] == base['teacher']


def test_the_assistant_as_it_is_with_and_without_mcmi(first, student, tmp_path):
    source = f'student://{first}'
    runner = job(tmp_path, model__teacher_ckpt=source, mcmi=None)
    assert same(student, runner.model.teacher.state_dict())
    runner = job(
        tmp_path,
        model__teacher_ckpt=source,
        mcmi__form='none',
        **FINE_TUNE_ALONE,
    )
    assert same(student, runner.model.teacher.state_dict())
    made = teacher_of(tmp_path, '*-none-*')['meta']['mcmi']
    assert (made['form'], made['base']['stage']) == ('none', 'student')
    assert [row[0] for row in summary_rows(made, None, None)] == [
        'teacher, distilled',
        'student',
    ]


@pytest.mark.parametrize('mcmi', [None, dict(lmda=0.25, epochs=1)])
def test_without_the_word_the_line_has_the_remedy(mcmi, first, tmp_path):
    with pytest.raises(UserError) as caught:
        job(tmp_path, model__teacher_ckpt=str(first), mcmi=mcmi)
    line = str(caught.value)
    assert line.startswith(f'model.teacher_ckpt: {first} is of a distillation')
    assert f'student://{first}' in line
    assert not (tmp_path / 'mcmi_teachers').exists()


def test_a_student_by_init_cfg_does_not_pass_for_the_mcmi_teacher(
    first, student, tmp_path
):
    """mmengine's own way to say it; the file's MCMI teacher is another network."""
    init = dict(type='Pretrained', checkpoint=str(first), prefix='architecture.')
    job(
        tmp_path,
        model__teacher_ckpt=None,
        model__teacher__init_cfg=init,
        **FINE_TUNE_ALONE,
    )
    made = teacher_of(tmp_path)['meta']['mcmi']
    assert made['recipe']['base'] == weights_hash(student)
    assert made['base']['stage'] == 'student'


def test_the_audit_and_the_converter_take_it_too(first, student, tmp_path):
    model = network(tmp_path)
    made = fill_teacher(model, f'student://{first}')
    assert same(student, model.state_dict())
    assert made['stage'] == 'student'
    conversion = convert(f'student://{first}', network(tmp_path))
    assert conversion.fault() is None
    folders = [
        default_folder('c.py', f'{word}run/e.pth') for word in ('', 'student://')
    ]
    assert folders == ['work_dirs/audit/c-e', 'work_dirs/audit/c-e-student']
    assert same(student, conversion.placement.state)
    assert conversion.meta['mcmi']['stage'] == 'student'
    assert conversion.meta['source']['file'] == 'epoch_1.pth'
    with pytest.raises(UserError, match=f'student://{first}'):
        convert(str(first), network(tmp_path))


def test_auxiliary_classifiers_of_hsakd_stay_behind(tmp_path):
    first, second = network(tmp_path), network(tmp_path, seed=1)
    state = first.state_dict() | {'auxiliary.0.fc.weight': torch.ones(2, 2)}
    load_weights(second, state, 'epoch_1.pth')
    assert same(first.state_dict(), second.state_dict())
    own = saved(tmp_path / 'plain.pth', {'auxiliary.0.fc.weight': torch.ones(2, 2)})
    with pytest.raises(UserError, match='missing'):  # nothing else may be missing
        load_weights(second, read_weights(own)[0], own)
