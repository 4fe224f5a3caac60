"""A study whose data cannot be had says so before the first cell is trained."""

import pytest

BASE = """_base_ = {base!r}

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type={wrapper!r},
        dataset=dict(type='Digits', split='train', pipeline=[dict(type='PackInputs')]),
        **{arguments!r}))
"""
STUDY = """study = dict(
    exhibit='Table 0', title='wrong data',
    scales=dict(smoke=dict(config='good.py', seeds=1)),
    arms={arms},
    baseline='MLL', control='lambda = 0',
    measures=['student_accuracy'])
"""
ARMS = """{
    'MLL': {'mcmi.form': 'none', 'mcmi.lmda': None},
    'lambda = 0': {'mcmi.lmda': 0.0},
    'wrong': {'mcmi.lmda': 0.1, 'config': 'wrong.py'},
}"""
TWINS = """[
    dict(name='MLL', **{'mcmi.form': 'none', 'mcmi.lmda': None}),
    dict(name='lambda = 0', **{'mcmi.lmda': 0.0}),
    dict(name='MLL', **{'mcmi.lmda': 0.1}),
]"""


def said(command, project, tmp_path, wrapper, arguments, arms=ARMS):
    base = str(project / 'configs/study/_base_/digits_kd.py')
    (tmp_path / 'good.py').write_text(f'_base_ = {base!r}\n')
    text = BASE.format(base=base, wrapper=wrapper, arguments=arguments)
    (tmp_path / 'wrong.py').write_text(text)
    (tmp_path / 'study.py').write_text(STUDY.replace('{arms}', arms))
    done = command('study.py', tmp_path / 'study.py', '--scale', 'smoke', ok=False)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    assert not list(done.cwd.rglob('*.pth'))
    assert not list(done.cwd.rglob('cells'))
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ('wrapper', 'arguments', 'words'),
    [
        ('ClassFraction', dict(fraction=0.001), ['class', 'fraction']),
        ('DropClasses', dict(classes=list(range(10))), ['classes']),
        ('DropClasses', dict(classes=['33']), ['33', "'3'"]),
    ],
)
def test_data_that_cannot_be_had(command, project, tmp_path, wrapper, arguments, words):
    line = said(command, project, tmp_path, wrapper, arguments)
    assert all(word in line for word in ['wrong', 'train_dataloader', *words]), line


def test_arms_that_share_a_name(command, project, tmp_path):
    line = said(command, project, tmp_path, 'DropClasses', dict(classes=[0]), TWINS)
    assert "'MLL'" in line and 'name' in line
