"""Checkpoints are written whole or not at all, and only whole ones are resumed."""

import contextlib
import functools
import inspect
import os
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from mcmi_plugin.errors import UserError

_TEMPORARY = re.compile(r'.+\.\d+\.tmp')


@contextlib.contextmanager
def whole_file(path: str | os.PathLike, mode: str = 'wb') -> Iterator[IO]:
    """Open ``path`` for writing; it appears when all of it is on the disk.

    The file is a temporary one in the same folder until then, so that a process
    killed at any moment leaves what was there before. A leftover is removed by
    :func:`remove_leftovers`.

    Raises:
        UserError: it cannot be written, for example because the disk is full; the
            temporary file is removed.
    """
    path = Path(path)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(
            f'{path.name} cannot be written into {path.parent.absolute()} '
            f'({error.strerror}); what was saved before is whole: make room, or '
            'write elsewhere, then continue with --resume'
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # The rename itself is on the disk only when its folder is.
    with contextlib.suppress(OSError):  # some file systems cannot
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove the temporary files of a process that was killed while writing."""
    for path in Path(folder).glob('*.tmp'):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def is_whole(path: str | os.PathLike) -> bool:
    """Whether a checkpoint file is complete and undamaged, by its checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def find_whole_checkpoint(path: str) -> str | None:
    """The newest checkpoint in a work dir that is whole, or None.

    It is the one that ``last_checkpoint`` names, or else the next one before it;
    every file passed over is named in a warning.
    """
    from mmengine.logging import print_log

    record = Path(path, 'last_checkpoint')
    if not record.is_file():
        print_log(f'no last_checkpoint in {path}: nothing to resume', logger='current')
        return None
    for checkpoint in _newest_first(Path(path), record.read_text().strip()):
        if is_whole(checkpoint):
            return str(checkpoint)
        print_log(
            f'{checkpoint} is damaged or cut short; it is passed over for the '
            'checkpoint before it',
            logger='current',
            level=30,
        )
    print_log(
        f'no whole checkpoint in {path}: training starts anew',
        logger='current',
        level=30,
    )
    return None


def _newest_first(folder: Path, last: str) -> list[Path]:
    named = [Path(last)] if last else []
    if last and Path(last).parent.is_dir():
        folder = Path(last).parent  # CheckpointHook.out_dir
    kind = re.match(r'epoch_|iter_', Path(last).name)
    pattern = f'{kind[0]}*.pth' if kind else '*_*.pth'
    before = [p for p in folder.glob(pattern) if re.fullmatch(r'\D+_\d+', p.stem)]
    if kind:  # later ones are another run's
        before = [p for p in before if _step(p) < _step(Path(last))]
    return named + sorted(before, key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(cast(re.Match, re.search(r'\d+', path.stem))[0])


def write_whole_checkpoints() -> None:
    """Let mmengine write checkpoints whole, and resume only whole ones.

    What upstream gets wrong: ``LocalBackend.put`` and the CheckpointHook open the
    file itself for writing, so a job killed or out of disk there leaves half a
    checkpoint, or half a ``last_checkpoint``, in the place of a good one; the
    hook removes the oldest checkpoint before the new one is there, which with
    ``max_keep_ckpts=1`` is the only one; and ``--resume`` ends in an error at the
    half that ``last_checkpoint`` names.

    It falls away when ``LocalBackend.put`` renames a file into place.
    """
    import mmengine.runner
    from mmengine.fileio import LocalBackend
    from mmengine.hooks import checkpoint_hook
    from mmengine.runner import _flexible_runner

    if 'replace(' in inspect.getsource(LocalBackend.put):
        return
    if LocalBackend.put is _put_whole:
        return
    LocalBackend.put = _put_whole
    # The module's only open() is that of last_checkpoint.
    checkpoint_hook.open = whole_file
    hook = checkpoint_hook.CheckpointHook
    hook._save_checkpoint_with_step = _removing_afterwards(
        hook._save_checkpoint_with_step
    )
    hook.before_train = _removing_leftovers(hook.before_train)
    for module in (
        mmengine.runner,
        mmengine.runner.checkpoint,
        mmengine.runner.runner,
        _flexible_runner,
    ):
        module.find_latest_checkpoint = find_whole_checkpoint


def _put_whole(self, obj: bytes, filepath: str | os.PathLike) -> None:
    with whole_file(filepath) as file:
        file.write(obj)


def _removing_afterwards(save):
    @functools.wraps(save)
    def save_then_remove(self, runner, step, meta) -> None:
        from mmengine.dist import is_main_process

        if self.max_keep_ckpts <= 0:
            return save(self, runner, step, meta)
        # With room for one more, upstream removes none. The checkpoint lists the
        # outdated one too, so a resumed run removes it if this one no longer can.
        self.keep_ckpt_ids = deque(self.keep_ckpt_ids)
        self.max_keep_ckpts += 1
        try:
            save(self, runner, step, meta)
        finally:
            self.max_keep_ckpts -= 1
        while len(self.keep_ckpt_ids) > self.max_keep_ckpts:
            name = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
            outdated = self.file_backend.join_path(self.out_dir, name)
            if is_main_process() and self.file_backend.isfile(outdated):
                self.file_backend.remove(outdated)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))

    return save_then_remove


def _removing_leftovers(before_train):
    @functools.wraps(before_train)
    def before_train_in_clean_folder(self, runner) -> None:
        from mmengine.dist import is_main_process

        before_train(self, runner)
        if is_main_process():
            for folder in {str(runner.work_dir), str(self.out_dir)}:
                remove_leftovers(folder)

    return before_train_in_clean_folder
