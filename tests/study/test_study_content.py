"""A study's config with a mistake in it is one line before anything is trained."""

import copy
from pathlib import Path

import pytest
from small_study import ARMS, BASE

from mcmi_plugin.errors import UserError
from mcmi_study.checks import may_share_images
from mcmi_study.plan import read_study

STUDY = dict(
    exhibit='Table 0',
    title='nothing',
    scales=dict(smoke=dict(config=str(BASE), seeds=2)),
    grid=dict(delta={'1': {}, '2': {'test_dataloader.dataset.delta': 2.0}}),
    **ARMS,
    measures=['student_accuracy'],
)


@pytest.fixture
def read(tmp_path):
    """Read STUDY with some of its keys replaced, or the text of a study."""

    def read_changed(text: str = '', scale='smoke', **changes):
        options = changes.pop('read', {})
        study = copy.deepcopy(STUDY) | changes
        study = {key: value for key, value in study.items() if value is not ...}
        path = tmp_path / 'study.py'
        path.write_text(text or f'study = {study!r}\n')
        return read_study(str(path), scale, str(tmp_path / 'work'), **options)

    return read_changed


def changed_arms(**arms):
    return {**STUDY['arms'], **arms}


@pytest.mark.parametrize(
    ('changes', 'line'),
    [
        (dict(scale='smoky'), "no scale 'smoky'; did you mean 'smoke'"),
        (dict(read=dict(arms=['MCNI'])), "no arm 'MCNI'; did you mean 'MCMI'"),
        (dict(read=dict(grid={'dleta': ['1']})), "'dleta'; did you mean 'delta'"),
        (dict(read=dict(grid={'delta': ['3']})), r"no value '3' \(there are: 1, 2\)"),
        (dict(read=dict(seeds=0)), 'seeds=0: must be a whole number from 1 on'),
        (dict(measures=['student_acuracy']), "did you mean 'student_accuracy'"),
        (dict(figures=[dict(type='bar')]), "no figure 'bar'; did you mean 'bars'"),
        (dict(figures=[dict(type='bars', arm='MLL')]), "bars: .*argument 'arm'"),
        (dict(measures=[dict(type='collapsed', x=1)]), "collapsed: .*argument 'x'"),
        (dict(compare=['teacher_ll']), "compare: there is no measure 'teacher_ll'"),
        (dict(title=''), 'study.title is not set'),
        (dict(armz={}), "no key 'armz'; did you mean 'arms'"),
        (dict(scales=dict(smoke=dict(seed=1))), "'seed'; did you mean 'seeds'"),
        (dict(control=...), 'study.control is not set; name the arm of the same'),
        (dict(baseline=...), 'study.baseline is not set; name the arm of the MLL'),
        (dict(baseline='MML'), "baseline: there is no arm 'MML'; did you mean 'MLL'"),
        (dict(controls=None), 'give the reason in note'),
        (dict(arms=changed_arms(mcmi={})), "'MCMI' and 'mcmi' would share the folder"),
        (dict(paper=[dict(arm='MCM')]), "paper: there is no arm 'MCM'"),
        (dict(paper=[dict(arm='MLL', accuracy=1)]), "no measure 'accuracy'"),
        (
            dict(arms=[dict(name='MLL'), dict(name='x'), dict(name='MLL')]),
            "two arms are called 'MLL'",
        ),
    ],
)
def test_mistake_is_named_with_the_closest_name(read, changes, line):
    with pytest.raises(UserError, match=line) as caught:
        read(**changes)
    assert '\n' not in str(caught.value)


def test_a_study_that_says_nothing_of_arms_has_the_usual_ones(read):
    usual = ['MLL', 'lambda = 0', 'MCMI']
    study = read(arms=..., baseline=..., control=...)
    assert study.content['arms'] == STUDY['arms'] | {'MCMI': {}}
    assert [study.content[key] for key in ('baseline', 'control')] == usual[:2]
    assert study.arms == usual
    # Its own come after the controls, and in place of MCMI.
    more = read(arms={'ES': {'mcmi.early_stopping': True}}, baseline=..., control=...)
    assert more.arms == ['MLL', 'lambda = 0', 'ES']


def test_names_with_commas_are_found_in_what_was_typed(read):
    grid = dict(set={'a': {}, 'a, b': {}, 'b': {}})

    study = read(grid=grid, read=dict(grid=dict(set='a, b,b')))
    assert study.grid == dict(set=['a, b', 'b'])
    assert read(grid=grid, read=dict(grid=dict(set='b,a'))).grid['set'] == ['b', 'a']
    with pytest.raises(UserError, match="no value 'c'"):
        read(grid=grid, read=dict(grid=dict(set='a, b,c')))


def test_an_axis_that_is_not_named_stays_as_the_scale_has_it(read):
    axes = dict(pair={'digits': {}, 'ImageNet': {}}, method={'KD': {}, 'CRD': {}})
    scales = dict(smoke=dict(config=str(BASE), grid=dict(pair=['digits'])))
    study = read(grid=axes, scales=scales, read=dict(grid=dict(method='KD')))
    assert study.grid == dict(pair=['digits'], method=['KD'])
    study = read(grid=axes, scales=scales, read=dict(grid=dict(pair='ImageNet')))
    assert study.grid == dict(pair=['ImageNet'], method=['KD', 'CRD'])


def test_names_that_python_would_swallow_are_found(read):
    text = "study = dict(arms={'MLL': {}, 'MCMI': {}, 'MLL': {'mcmi.lmda': 0}})\n"
    with pytest.raises(UserError, match="line 1: two entries share the name 'MLL'"):
        read(text)


@pytest.mark.parametrize('text', ['study = 3\n', 'x = 3\n', 'study = dict(\n'])
def test_what_is_no_study_is_one_line(read, text):
    with pytest.raises(UserError) as caught:
        read(text)
    assert 'study.py' in str(caught.value) and '\n' not in str(caught.value)


def test_a_study_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match='there is no study'):
        read_study(str(tmp_path / 'none.py'), 'smoke')


@pytest.mark.parametrize(
    ('options', 'line'),
    [
        ({'mcmi.lamda': 1}, 'delta 1, MCMI: mcmi.lamda is no option'),
        ({'mcmi.lmda': -1}, 'delta 1, MCMI: mcmi.lmda=-1'),
        ({'pair': 'r56_r20'}, 'delta 1, MCMI: has pair; give pair and method'),
        ({'pair': 'r', 'method': 'kd'}, 'delta 1, MCMI: there is no pair .*/r.py'),
        ({'config': 'no.py'}, 'delta 1, MCMI: there is no config .*no.py'),
        ({'model.neck': [dict(type='X')]}, 'cannot be said by --cfg-options'),
        ({'model.teacher_ckpt': 'no.pth'}, 'delta 1, MCMI: model.teacher_ckpt: there'),
        ({'test_dataloader': None}, 'test_dataloader is not set'),
        ({'mcmi.temperature': 'validation'}, 'mcmi.temperature would choose by the'),
    ],
)
def test_an_arm_that_cannot_run_is_named(read, options, line):
    arms = changed_arms(MCMI={'mcmi.lmda': 0.5, **options})
    # The test set as the validation set, so that choosing by it is a mistake.
    same = {'val_dataloader.dataset.split': 'test'}
    scales = dict(smoke=dict(config=str(BASE), seeds=1, options=same))
    with pytest.raises(UserError, match=line):
        read(arms=arms, scales=scales)


def test_choosing_on_held_out_data_is_allowed(read):
    arms = changed_arms(ES={'mcmi.early_stopping': True})
    assert 'ES' in read(arms=arms).arms


TEST = dict(type='Digits', split='test')
PART = dict(type='HoldOut', fraction=0.5, part='held_out', dataset=TEST)


@pytest.mark.parametrize(
    ('val', 'test', 'shared'),
    [
        (TEST, dict(TEST, split='train'), False),
        (TEST, dict(TEST, test_mode=True, pipeline=[]), True),
        (dict(TEST, indices=40), TEST, True),
        (dict(TEST, indices=[0, 1]), dict(TEST, indices=[2, 3]), False),
        (dict(TEST, indices=[0, 1]), dict(TEST, indices=[1, 2]), True),
        (dict(type='RepeatDataset', times=1, dataset=TEST), TEST, True),
        (PART, TEST, True),
        (PART, dict(PART, part='train'), False),
        (PART, dict(PART, part='train', seed=1), True),
    ],
)
def test_a_part_of_the_test_set_is_the_test_set(val, test, shared):
    assert may_share_images(val, test) == shared


@pytest.mark.parametrize(
    ('arms', 'line'),
    [
        (changed_arms(**{'lambda = 0': {'mcmi.lmda': 0.1}}), 'is the control, but'),
        (changed_arms(MLL={}), 'is the baseline, but its teacher is fine-tuned'),
    ],
)
def test_a_control_is_what_it_is_called(read, arms, line):
    with pytest.raises(UserError, match=line):
        read(arms=arms)


def test_missing_data_and_teacher_are_found_beforehand(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scales = dict(paper=dict(seeds=1, options={}))
    arms = {
        'MLL': {'mcmi': None},
        'lambda = 0': {'mcmi.lmda': 0.0},
    }
    arms = {k: v | dict(pair='r56_r20', method='kd') for k, v in arms.items()}
    with pytest.raises(UserError, match='delta 1, MLL: train_dataloader.*cifar-100'):
        read(arms=arms, scales=scales, scale='paper')
    assert not list(Path('work').rglob('*.pth'))


def test_the_command_line_leaves_alone_what_cells_differ_in(read):
    for key in ('mcmi.lmda', 'mcmi', 'randomness.seed', 'test_dataloader.dataset'):
        with pytest.raises(UserError, match=f'--cfg-options {key}: cells of'):
            read(read=dict(options={key: 1}))


def test_a_cell_is_the_same_wherever_the_project_lies(tmp_path):
    """A config may name others by where it lies itself, as the pairs do."""
    found = []
    for name in ('here', 'there'):
        folder = tmp_path / name
        folder.mkdir()
        beside = "beside = '{{ fileDirname }}/other.py'\n"
        (folder / 'base.py').write_text(f'_base_ = {str(BASE)!r}\n{beside}')
        scales = dict(smoke=dict(config='base.py', seeds=1))
        (folder / 'study.py').write_text(f'study = {STUDY | dict(scales=scales)!r}\n')
        study = read_study(str(folder / 'study.py'), 'smoke', str(tmp_path / 'work'))
        found.append({cell.name: cell.fingerprint for cell in study.cells})
    assert found[0] == found[1]
