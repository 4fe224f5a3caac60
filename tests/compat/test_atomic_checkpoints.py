"""Checkpoints whole or not at all."""

import argparse
import errno
import os
import resource
import signal
import sys
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook, checkpoint_hook
from mmengine.runner.checkpoint import save_checkpoint

from mcmi_plugin import commands
from mcmi_plugin.compat.atomic_checkpoints import write_whole_checkpoints
from mcmi_plugin.errors import UserError
from mcmi_plugin.whole_file import NotWritten, remove_leftovers, whole_file


def save(folder: Path, *steps: int) -> None:
    for step in steps:
        save_checkpoint({'x': torch.arange(5000)}, str(folder / f'epoch_{step}.pth'))
        (folder / 'last_checkpoint').write_text(str(folder / f'epoch_{step}.pth'))


def in_child(function) -> int:
    """Call ``function`` in a process of its own; exit status, or minus a signal."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(function() or 0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'old')

    def killed_while_writing():
        with whole_file(path) as file:
            file.write(b'half of the new')
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(killed_while_writing) == -signal.SIGKILL
    assert path.read_bytes() == b'old'
    mine = tmp_path / 'notes.tmp'
    mine.touch()
    assert len(list(tmp_path.glob('epoch_1.pth.*.tmp'))) == 1
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == [path, mine]


@pytest.mark.parametrize('write', ['checkpoint', 'last_checkpoint'])
def test_mmengine_killed_while_writing_leaves_the_old_file(write, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(b'old')

    def killed_before_it_is_on_the_disk():
        os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
        if write == 'checkpoint':
            LocalBackend().put(b'new', str(path))
        else:
            with checkpoint_hook.open(str(path), 'w') as file:
                file.write('new')

    assert in_child(killed_before_it_is_on_the_disk) == -signal.SIGKILL
    assert path.read_bytes() == b'old'


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'old')

    def at_the_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            save_checkpoint({'x': torch.arange(5000)}, str(path))
        except NotWritten as error:
            line = str(error)
            told = [path.name, str(tmp_path), os.strerror(errno.EFBIG), 'make room']
            return 0 if all(t in line for t in told) and '\n' not in line else 1
        return 2

    assert in_child(at_the_limit) == 0
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b'old'


def test_no_space_left(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match=r'epoch_1\.pth .*No space left'):
        save(tmp_path, 1)
    assert not list(tmp_path.iterdir())


def run_hook(folder: Path, steps, fails=()) -> CheckpointHook:
    hub = SimpleNamespace(runtime_info={})
    hub.get_info = hub.runtime_info.get
    hub.update_info = hub.runtime_info.__setitem__
    present = []

    def save_checkpoint(out_dir, name, *args, **kwargs):
        present.append(sorted(path.name for path in folder.glob('*.pth')))
        if name in fails:
            raise UserError('disk full')
        (folder / name).touch()

    runner = SimpleNamespace(
        work_dir=str(folder),
        message_hub=hub,
        save_checkpoint=save_checkpoint,
        logger=SimpleNamespace(info=print),
    )
    hook = CheckpointHook(interval=1, max_keep_ckpts=1)
    hook.before_train(runner)
    for step in steps:
        hook._save_checkpoint_with_step(runner, step, {})
    hook.present, hook.runner = present, runner
    return hook


def test_the_only_checkpoint_is_removed_after_the_next_is_there(tmp_path):
    hook = run_hook(tmp_path, [1, 2, 3])
    assert hook.present == [[], ['epoch_1.pth'], ['epoch_2.pth']]
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_3.pth']
    assert list(hook.keep_ckpt_ids) == [3]
    with pytest.raises(UserError):
        run_hook(tmp_path, [3, 4], fails=['epoch_4.pth'])
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_3.pth']


def test_one_that_could_not_be_removed_any_more_is_removed_on_resume(tmp_path):
    (tmp_path / 'epoch_2.pth').touch()
    (tmp_path / 'epoch_3.pth').touch()
    (tmp_path / 'epoch_4.pth.77.tmp').touch()
    hook = CheckpointHook(interval=1, max_keep_ckpts=1)
    hub = SimpleNamespace(runtime_info={'keep_ckpt_ids': [2, 3]})
    hub.get_info = hub.runtime_info.get
    runner = SimpleNamespace(
        work_dir=str(tmp_path), message_hub=hub, logger=SimpleNamespace(info=print)
    )
    hook.before_train(runner)
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_3.pth']
    assert hook.keep_ckpt_ids == deque([3])


def test_mending_twice_is_mending_once():
    before = LocalBackend.put, CheckpointHook.before_train
    write_whole_checkpoints()
    assert (LocalBackend.put, CheckpointHook.before_train) == before


def test_a_mended_upstream_is_left_alone(monkeypatch):
    def put(self, obj, filepath):
        os.replace('temporary', filepath)

    monkeypatch.setattr(LocalBackend, 'put', put)
    save_with_step = CheckpointHook._save_checkpoint_with_step
    write_whole_checkpoints()
    assert LocalBackend.put is put
    assert CheckpointHook._save_checkpoint_with_step is save_with_step


def test_the_best_and_the_last_of_a_copy_are_its_own(tmp_path):
    """The next better one replaces the best: the original's would be gone.

    To the last, a fine-tune goes back that has fallen off the cliff.
    """
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        for file in ('best_x_epoch_1.pth', 'last_checkpoint'):
            (tmp_path / name / file).touch()
    info = {
        'best_ckpt': str(tmp_path / 'a/best_x_epoch_1.pth'),
        'last_ckpt': str(tmp_path / 'a/epoch_1.pth'),
    }
    hub = SimpleNamespace(runtime_info=info, get_info=info.get)
    hub.update_info = info.__setitem__
    runner = SimpleNamespace(
        work_dir=str(tmp_path / 'b'),
        message_hub=hub,
        logger=SimpleNamespace(info=print),
    )
    hook = CheckpointHook(interval=1, save_best='x', rule='greater')
    hook.before_train(runner)
    own = str(tmp_path / 'b/best_x_epoch_1.pth')
    assert hook.best_ckpt_path == own == info['best_ckpt']
    assert info['last_ckpt'] == str(tmp_path / 'b/epoch_1.pth')


@pytest.mark.parametrize('flags', [['--resume'], []])
def test_only_a_command_that_has_the_flag_names_it(
    flags, tmp_path, monkeypatch, capsys
):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def main(args):
        with whole_file(tmp_path / 'file'):
            pass

    monkeypatch.setattr(os, 'fsync', full)
    monkeypatch.setattr(sys, 'argv', ['command'])
    # Which would note the signals of the tests too.
    monkeypatch.setattr(commands, 'Interruption', lambda: SimpleNamespace(signal=None))
    parse = argparse.ArgumentParser()
    parse.set_defaults(debug=False)
    for flag in flags:
        parse.add_argument(flag)
    with pytest.raises(SystemExit) as left:
        commands.run(main, parse)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('error: file cannot be written into')
    assert said.count('continue with --resume') == len(flags)
