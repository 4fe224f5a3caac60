"""One training run to each tracker, and what is read back from it."""

import json
import struct

import pytest
from conftest import PROJECT
from mmengine.config import Config

from mcmi_plugin.trackers import keep_local_record, name_own_run

QUICKSTART = PROJECT / 'configs/mcmi/quickstart_digits.py'
# The lines of docs/trackers.md, and the student's run by name where it has one.
LINES = dict(
    tensorboard="[dict(type='TensorboardVisBackend')]",
    wandb="[dict(type='WandbVisBackend', init_kwargs=dict(name='student'))]",
    mlflow="[dict(type='MLflowVisBackend', exp_name='digits', run_name='student')]",
)
SHORT = ['mcmi.epochs=1', 'mcmi.mll_epochs=1', 'mcmi.control=False']
SHORT += ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=256']
SHORT += ['default_hooks.logger.interval=2']
TEACHER = {'loss', 'lr', 'epoch', 'accuracy/top1', 'mcmi/cmi', 'mcmi/ll'}
TEACHER |= {'train_mcmi/ce', 'train_mcmi/cmi', 'train_mcmi/ll'}
STUDENT = {'loss', 'student.loss', 'distill.loss_kd', 'teacher.accuracy/top1'}
STUDENT |= {'accuracy/top1'}


def train(command, tmp_path, tracker: str, **env) -> dict[str, float]:
    """Train with one line more; the student's last figures, by the table's file."""
    backends = f"{LINES[tracker][:-1]}, dict(type='LocalVisBackend')]"
    (tmp_path / 'mine.py').write_text(
        f'_base_ = {str(QUICKSTART)!r}\nvisualizer = dict(vis_backends={backends})\n'
    )
    env['FORCE_COLOR'] = '1'  # which makes no terminal, and no bar, of a file
    done = command('train.py', 'mine.py', '--cfg-options', *SHORT, env=env)
    assert 'about 0:' not in done.stdout
    (local,) = tmp_path.glob('work_dirs/mine/*/vis_data/scalars.json')
    last: dict = {}
    for line in local.read_text().splitlines():
        last |= json.loads(line)
    return last


def check(runs: dict[str, dict], last: dict, student: str) -> None:
    """Two stages and the student, each with its figures and no other's."""
    assert len(runs) == 3
    figures = runs.pop(student)
    assert set(figures) >= STUDENT
    assert not {name for name in figures if name.startswith('mcmi/')}
    for name in STUDENT:
        assert figures[name] == pytest.approx(last[name]), name
    assert sorted(name.split('-')[1] for name in runs) == ['mcmi', 'mll']
    for name, figures in runs.items():
        assert set(figures) >= TEACHER, name
        assert 'student.loss' not in figures


def test_tensorboard(command, tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    last = train(command, tmp_path, 'tensorboard')
    runs = {}
    for path in tmp_path.glob('work_dirs/**/events.out.tfevents.*'):
        events = EventAccumulator(str(path))
        events.Reload()
        runs[path.parents[2].name] = {
            name: events.Scalars(name)[-1].value for name in events.Tags()['scalars']
        }
    check(runs, last, 'mine')


@pytest.mark.slow  # TensorBoard's way, and twenty seconds
def test_mlflow(command, tmp_path):
    mlflow = pytest.importorskip('mlflow')
    store = f'sqlite:///{tmp_path}/runs.db'
    last = train(command, tmp_path, 'mlflow', MLFLOW_TRACKING_URI=store)
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name('digits').experiment_id
    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert {run.info.status for run in found.values()} == {'FINISHED'}
    student = found['student']
    assert student.data.params['optim_wrapper.optimizer.lr'] == '0.05'
    for name, run in found.items():
        parent = run.data.tags.get('mlflow.parentRunId')
        assert parent == (None if name == 'student' else student.info.run_id)
    runs = {name: run.data.metrics for name, run in found.items()}
    check(runs, last, 'student')


@pytest.mark.slow
def test_wandb(command, tmp_path):
    pytest.importorskip('wandb')
    last = train(command, tmp_path, 'wandb', WANDB_MODE='offline')
    runs = {}
    for path in tmp_path.glob('work_dirs/**/offline-run-*/run-*.wandb'):
        name, figures = read_offline_run(path.read_bytes())
        runs[name] = figures
    check(runs, last, 'student')


def read_offline_run(data: bytes) -> tuple[str, dict]:
    """Name and last figures of a W&B file: LevelDB's log format behind 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    block, header = 32768, struct.Struct('<IHB')  # checksum, length, part
    at, whole, name, figures = 7, b'', '', {}
    while at + header.size <= len(data):
        if block - at % block < header.size:  # filled up with zeros
            at += block - at % block
            continue
        _, length, part = header.unpack_from(data, at)
        at += header.size
        whole += data[at : at + length]
        at += length
        if part in (1, 4):  # a whole record, or the last part of one
            record, whole = Record.FromString(whole), b''
            name = record.run.display_name or name
            for item in record.history.item:
                key = item.key or '/'.join(item.nested_key)
                figures[key] = json.loads(item.value_json)
    return name, figures


def test_a_tracker_does_not_displace_the_local_record():
    cfg = Config(dict(visualizer=dict(vis_backends=[dict(type='WandbVisBackend')])))
    for _ in range(2):
        keep_local_record(cfg)
        types = [backend.type for backend in cfg.visualizer.vis_backends]
        assert types == ['LocalVisBackend', 'WandbVisBackend']
    alone = Config(dict(visualizer=dict(vis_backends=dict(type='WandbVisBackend'))))
    keep_local_record(alone)  # mmengine takes one that is in no list
    assert alone.visualizer.vis_backends == cfg.visualizer.vis_backends
    for none in (Config(), Config(dict(visualizer=None))):
        keep_local_record(none)
        assert not none.get('visualizer')


def test_a_stage_does_not_continue_the_student_s_run():
    kwargs = dict(project='p', group='g', name='student', id='7', resume='must')
    backends = [
        dict(type='WandbVisBackend', init_kwargs=kwargs),
        dict(type='MLflowVisBackend', exp_name='e', run_name='student'),
    ]
    cfg = Config(dict(visualizer=dict(vis_backends=backends)))
    name_own_run(cfg)
    wandb, mlflow = cfg.visualizer.vis_backends
    assert wandb.init_kwargs == dict(project='p', group='g')
    assert mlflow == dict(type='MLflowVisBackend', exp_name='e')
