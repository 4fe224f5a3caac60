"""NaN or infinity ends a run by the real command, and the first bad term is named."""

import pytest
from conftest import QUICKSTART


@pytest.mark.parametrize(
    ('override', 'said'),
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
def test_the_student_stops(quickstart, command, tmp_path, override, said):
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'run', '--cfg-options', override,
        'mcmi.control=False', f'mcmi.teacher_dir={quickstart.teachers}', ok=False,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert said in line and 'optim_wrapper.optimizer.lr' in line
    assert 'Epoch(train)  [1][32/32]' in done.stdout  # one interval, and shown
    assert not list(tmp_path.rglob('*.pth'))


def test_bad_weights_are_not_saved(quickstart, command, tmp_path):
    """The last step of an epoch ruins them, so no loss has shown it yet."""
    done = command(
        'train.py', QUICKSTART, '--work-dir', 'run', '--cfg-options',
        'train_dataloader.batch_size=1000', 'optim_wrapper.optimizer.lr=1e38',
        'optim_wrapper.optimizer.weight_decay=1e30',
        'mcmi.control=False', f'mcmi.teacher_dir={quickstart.teachers}', ok=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert 'so this checkpoint is not saved' in done.stderr
    assert not list(tmp_path.rglob('*.pth'))
