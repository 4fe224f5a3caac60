"""How far a run has come, and which runs a mean is taken of."""

import json

from mmengine.config import Config

from mcmi_plugin.report.arms import arms_of
from mcmi_plugin.report.comparison import comparison
from mcmi_plugin.report.work_dir import read_runs


def run_dir(folder, *records, seed=0, **config):
    """A work dir of a training that has left no record of its end."""
    vis = folder / '20260101_000000/vis_data'
    vis.mkdir(parents=True)
    usual = dict(train_cfg=dict(max_epochs=2), val_cfg={}, model=dict(type='Net'))
    Config(dict(usual, randomness=dict(seed=seed), **config)).dump(vis / 'config.py')
    (vis / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    return folder


def train(epoch, step):
    return dict(loss=1.0, epoch=epoch, iter=step, step=step)


def val(step, accuracy=50.0):
    return {'accuracy/top1': accuracy, 'step': step}


def test_an_epoch_that_goes_on_is_not_done(tmp_path):
    """mmengine logs within it, and validates when it has ended."""
    killed = [train(1, 10), val(1), train(2, 11)]
    (run,) = read_runs([run_dir(tmp_path / 'killed', *killed)])
    assert (run.epochs, run.is_finished) == ((1, 2), False)
    (run,) = read_runs([run_dir(tmp_path / 'ended', *killed, val(2))])
    assert (run.epochs, run.is_finished) == ((2, 2), True)
    (run,) = read_runs([run_dir(tmp_path / 'first', train(1, 5))])
    assert run.epochs == (0, 2)


def test_without_validation_the_log_is_all_there_is(tmp_path):
    (run,) = read_runs([run_dir(tmp_path / 'run', train(2, 20), val_cfg=None)])
    assert (run.epochs, run.is_finished) == ((2, 2), True)


def test_iterations_end_in_a_validation_too(tmp_path):
    """The last log interval may not be full."""
    records = [dict(loss=1.0, iter=50, step=50), val(60)]
    counted = dict(train_cfg=dict(by_epoch=False, max_iters=60))
    (run,) = read_runs([run_dir(tmp_path / 'run', *records, **counted)])
    assert (run.epochs, run.is_finished) == ((60, 60), True)


def test_runs_of_no_seed_have_each_their_own(tmp_path):
    """mmengine draws one then; a run that was copied is no other run."""
    folders = [
        run_dir(tmp_path / str(accuracy), val(1), val(2, accuracy), seed=None)
        for accuracy in (60.0, 62.0, 64.0)
    ]
    folders.append(run_dir(tmp_path / 'copy', val(1), val(2, 62.0), seed=None))
    runs = read_runs(folders)
    (arm,) = arms_of(runs)
    assert sorted(arm.accuracies) == [60.0, 62.0, 64.0]
    table = comparison(runs)[0].blocks[1]
    assert table.rows[0][1:4] == ('3', 'not set', '62.00 \u00b1 2.00')
