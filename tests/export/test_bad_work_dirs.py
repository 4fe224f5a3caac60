"""Work dirs that hold nothing to export, by the real command."""

import shutil

import pytest
import torch
from made_up_runs import write_small_run


@pytest.fixture
def broken(tmp_path):
    """A work dir, to be spoilt."""
    write_small_run(tmp_path / 'job')
    return tmp_path / 'job'


def error(command, *words):
    done = command('export.py', *words, ok=False)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'Traceback' not in done.stderr
    assert not list(done.cwd.rglob('student.*'))
    assert not list(done.cwd.rglob('.unfinished*'))
    return line


def test_formats_and_folders(broken, command):
    line = error(command, broken, '--format', 'onxx')
    assert 'did you mean onnx? (mmpretrain, onnx, torch-export)' in line
    line = error(command, 'jbo', '--format', 'onnx')
    assert 'there is no folder jbo; did you mean job?' in line
    line = error(command, broken.parent, '--format', 'onnx')
    assert 'holds no config' in line and 'job' in line
    line = error(command, 'job', '--format', 'onnx', '--out', 'job')
    assert 'name another folder' in line
    line = error(command, 'job', '--format', 'onnx', '--out', 'job/epoch_1.pth')
    assert '--out job/epoch_1.pth' in line


def test_checkpoints(broken, command):
    words = (broken, '--format', 'torch-export')
    line = error(command, *words, '--checkpoint', 'best')
    assert 'holds no best_*.pth' in line and 'save_best=auto' in line
    line = error(command, *words, '--checkpoint', 'epoch_2.pth')
    assert 'no such file; there is epoch_1.pth' in line
    for name in ('best_a_epoch_1.pth', 'best_b_epoch_1.pth'):
        shutil.copy(broken / 'epoch_1.pth', broken / name)
    line = error(command, *words, '--checkpoint', 'best')
    assert 'best_a_epoch_1.pth, best_b_epoch_1.pth' in line
    # Nobody finds out from the numbers that a byte is not what it was.
    data = bytearray((broken / 'epoch_1.pth').read_bytes())
    data[len(data) // 2] ^= 1
    (broken / 'epoch_1.pth').write_bytes(data)
    line = error(command, *words)
    assert 'epoch_1.pth is damaged' in line and 'best_a_epoch_1.pth' in line
    (broken / 'epoch_1.pth').write_bytes(data[:1000])
    assert 'cut short' in error(command, *words)
    for path in (*broken.glob('*.pth'), broken / 'last_checkpoint'):
        path.unlink()
    assert 'holds no checkpoint' in error(command, *words)


def test_contents(broken, command):
    class RunsCode:
        def __reduce__(self):
            return (open, ('proof_that_code_ran', 'w'))

    words = (broken, '--format', 'torch-export')
    options = ('--cfg-options', 'model.backbone.base_channels=8')
    assert 'epoch_1.pth does not fit the model' in error(command, *words, *options)
    line = error(
        command, *words, '--cfg-options', 'val_dataloader.dataset.data_root=nowhere'
    )
    assert 'nowhere' in line
    line = error(command, *words, '--cfg-options', 'val_dataloader=None')
    assert 'val_dataloader is not set' in line
    torch.save({'state_dict': {'teacher.x': torch.zeros(1)}}, broken / 'epoch_1.pth')
    assert 'epoch_1.pth does not fit the model' in error(command, *words)
    torch.save({'state_dict': {}, 'meta': RunsCode()}, broken / 'epoch_1.pth')
    assert 'could run code' in error(command, *words)
    assert not (broken.parent / 'proof_that_code_ran').exists()


def test_nan(broken, command):
    saved = torch.load(broken / 'epoch_1.pth', weights_only=True)
    saved['state_dict']['head.fc.bias'][0] = torch.nan
    torch.save(dict(state_dict=saved['state_dict']), broken / 'epoch_1.pth')
    line = error(command, broken, '--format', 'torch-export')
    assert 'answers NaN' in line


def test_a_run_that_was_moved_uses_its_own_checkpoint(broken, command):
    (broken / 'last_checkpoint').write_text('/gone/work_dirs/job/epoch_1.pth')
    done = command('export.py', broken, '--format', 'mmpretrain')
    assert (broken / 'export/student.pth').is_file()
    assert 'epoch_1.pth' in done.stdout
