"""NaN or infinity ends a run by the real command, and the first bad term is named."""

import pytest
from conftest import QUICKSTART


def train(quickstart, command, *options):
    """A student of the quick start's teacher that does not go well; the one line."""
    (teacher,) = quickstart.teachers.glob('*-mcmi-lmda0.25-*/teacher.pth')
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'run', '--cfg-options', *options,
        'mcmi=None', f'model.teacher_ckpt={teacher}', ok=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert not list(done.cwd.rglob('*.pth'))
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'lower optim_wrapper.optimizer.lr' in line
    return done.stdout, line


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        # The distillation loss overflows at once; its gradients ruin the other one.
        (
            'model.distiller.distill_losses.loss_kd.loss_weight=1e39',
            'distill.loss_kd is inf in iteration 1 (epoch 1)',
        ),
        # One step too far: in the second iteration every term is bad.
        ('optim_wrapper.optimizer.lr=1e30', 'student.loss is nan in iteration 2 '),
    ],
)
def test_the_first_bad_term_is_named(quickstart, command, option, said):
    log, line = train(quickstart, command, option)
    assert said in line
    assert 'Epoch(train)  [1][32/32]' in log  # one interval of the log, and shown


def test_bad_weights_are_not_saved(quickstart, command):
    """An epoch of one step: no loss has shown yet what it did."""
    _, line = train(
        quickstart, command, 'train_dataloader.batch_size=1000',
        'optim_wrapper.optimizer.lr=1e30', 'optim_wrapper.optimizer.weight_decay=1e38',
    )  # fmt: skip
    assert 'so this checkpoint is not saved' in line
