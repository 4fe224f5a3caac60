"""A study of seconds, written into a folder and run."""

import io

from conftest import PROJECT
from rich.console import Console

from mcmi_study.plan import read_study
from mcmi_study.report import write_report
from mcmi_study.run import run_cells

BASE = PROJECT / 'configs/study/_base_/synthetic_kd.py'
SIZES = {
    f'{loader}_dataloader.dataset.num_{split}': 120
    for loader in ('train', 'val', 'test')
    for split in ('train', 'val', 'test')
}
EPOCHS = {
    'train_cfg.max_epochs': 2,
    'train_cfg.val_interval': 2,
    'default_hooks.checkpoint.interval': 1,
    'mcmi.mll_epochs': 1,
    'mcmi.epochs': 1,
}
ARMS = dict(
    arms={
        'MLL': {'mcmi.form': 'none', 'mcmi.lmda': None},
        'lambda = 0': {'mcmi.lmda': 0.0},
        'MCMI': {'mcmi.lmda': 0.5},
    },
    baseline='MLL',
    control='lambda = 0',
)
STUDY = dict(
    exhibit='Table 0',
    title='a tiny one',
    scales=dict(
        smoke=dict(config=str(BASE), seeds=2, options={**SIZES, **EPOCHS}),
        small=dict(config=str(BASE), seeds=1, options={**SIZES, **EPOCHS}),
    ),
    **ARMS,
    measures=[
        'student_accuracy',
        'student_ll',
        'teacher_accuracy',
        'teacher_ll',
        'teacher_cmi',
        'teacher_cmi_per_class',
        'teacher_pdist',
        'confusion',
        'agreement',
        'collapsed',
    ],
    figures=[dict(type='bars'), dict(type='bars', grid=dict(no='such'))],
    paper=[dict(arm='MCMI', student_accuracy='99.99 +- 0.01')],
)


def write_study(folder, **changes):
    path = folder / 'tiny.py'
    path.write_text(f'study = {STUDY | changes!r}\n')
    return str(path)


def run_study(path, work_dir, scale='smoke', **choices):
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    study = read_study(path, scale, str(work_dir), **choices)
    results, failures = run_cells(study, console)
    if results:
        write_report(study, results, failures, console)
    return study, results, failures, printed.getvalue()
