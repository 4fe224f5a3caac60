"""One rule for the last whole checkpoint: to resume, to report, to export."""

import os
import shutil
from pathlib import Path

import mmengine.logging
import pytest
import torch
from mmengine.runner import find_latest_checkpoint
from mmengine.runner.checkpoint import save_checkpoint

from mcmi_plugin.export.work_dir import find_checkpoint
from mcmi_plugin.last_checkpoint import find_whole_checkpoint, is_whole
from mcmi_plugin.report.work_dir import last_checkpoint

USES = [
    pytest.param(lambda folder: Path(find_latest_checkpoint(str(folder))), id='resume'),
    pytest.param(last_checkpoint, id='report'),
    pytest.param(find_checkpoint, id='export'),
]


def save(folder: Path, *steps: int, work_dir: Path | None = None) -> None:
    """As mmengine does, with ``CheckpointHook.out_dir`` for a folder of its own."""
    for step in steps:
        path = folder / f'epoch_{step}.pth'
        save_checkpoint({'x': torch.arange(5000)}, str(path))
        (work_dir or folder).mkdir(exist_ok=True)
        ((work_dir or folder) / 'last_checkpoint').write_text(str(path))


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(
        mmengine.logging, 'print_log', lambda line, **kwargs: lines.append(line)
    )
    return lines


@pytest.mark.parametrize('find', USES)
def test_a_folder_that_was_moved_has_its_own(find, tmp_path, said):
    save(tmp_path / 'a', 1, 2)
    shutil.move(tmp_path / 'a', tmp_path / 'b')
    assert find(tmp_path / 'b') == tmp_path / 'b/epoch_2.pth'
    assert not said


@pytest.mark.parametrize('find', USES)
def test_of_a_copy_and_its_original_each_has_its_own(find, tmp_path):
    save(tmp_path / 'a', 1, 2)
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    save(tmp_path / 'a', 3)
    assert find(tmp_path / 'b') == tmp_path / 'b/epoch_2.pth'
    assert find(tmp_path / 'a') == tmp_path / 'a/epoch_3.pth'


@pytest.mark.parametrize('find', USES)
def test_a_folder_of_its_own_for_checkpoints(find, tmp_path):
    save(tmp_path / 'a', 1, 2)  # of an earlier run
    save(tmp_path / 'out/a', 1, 2, work_dir=tmp_path / 'a')
    assert find(tmp_path / 'a') == tmp_path / 'out/a/epoch_2.pth'
    os.truncate(tmp_path / 'out/a/epoch_2.pth', 100)
    assert find(tmp_path / 'a') == tmp_path / 'out/a/epoch_1.pth'


@pytest.mark.parametrize('find', USES)
def test_a_bare_name_is_of_the_work_dir(find, tmp_path, monkeypatch):
    save(tmp_path / 'a', 1)
    shutil.copy(tmp_path / 'a/epoch_1.pth', tmp_path)
    (tmp_path / 'a/last_checkpoint').write_text('epoch_1.pth')
    monkeypatch.chdir(tmp_path)
    assert find(tmp_path / 'a') == tmp_path / 'a/epoch_1.pth'


@pytest.mark.parametrize('find', USES)
def test_damaged_ones_are_passed_over_by_name(find, tmp_path, said):
    save(tmp_path, 9, 2, 10, 11, 12)
    save(tmp_path, 20)  # of an earlier run
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_12.pth'))
    (tmp_path / 'epoch_12.pth').unlink()
    for step in (11, 10):
        os.truncate(tmp_path / f'epoch_{step}.pth', 100)
    assert find(tmp_path) == tmp_path / 'epoch_9.pth'
    assert 'epoch_12.pth is not there' in said[0]
    for step, line in zip((11, 10), said[1:], strict=True):
        assert f'epoch_{step}.pth is damaged or cut short' in line


def test_what_resuming_alone_says(tmp_path, said):
    assert find_latest_checkpoint(str(tmp_path)) is None
    assert 'nothing to resume' in said.pop()
    save(tmp_path, 2)
    os.truncate(tmp_path / 'epoch_2.pth', 100)
    assert find_whole_checkpoint(tmp_path) is None
    assert 'starts anew' not in said.pop()
    assert find_latest_checkpoint(str(tmp_path)) is None
    assert 'starts anew' in said[-1]


@pytest.mark.parametrize('find', USES)
def test_a_torn_record_names_nothing(find, tmp_path):
    save(tmp_path, 9, 10)
    (tmp_path / 'last_checkpoint').write_text('')
    assert find(tmp_path) == tmp_path / 'epoch_10.pth'


def test_any_damage_is_seen(tmp_path):
    save(tmp_path, 1)
    path = tmp_path / 'epoch_1.pth'
    data = path.read_bytes()
    assert is_whole(path)
    for size in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        assert not is_whole(path), size
    middle = len(data) // 2
    path.write_bytes(data[:middle] + b'\0' * 512 + data[middle + 512 :])
    assert not is_whole(path)
    assert not is_whole(tmp_path / 'missing')
