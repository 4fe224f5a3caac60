"""Checkpoints are written whole or not at all, and only whole ones are resumed."""

import functools
import inspect
import os
from collections import deque

from mcmi_plugin.last_checkpoint import find_checkpoint_to_resume, where_it_is_now
from mcmi_plugin.whole_file import remove_leftovers, whole_file


def write_whole_checkpoints() -> None:
    """Let mmengine write checkpoints whole, and resume only whole ones.

    What upstream gets wrong: ``LocalBackend.put`` and the CheckpointHook open the
    file itself for writing, so a job killed or out of disk there leaves half a
    checkpoint, or half a ``last_checkpoint``, in the place of a good one; the
    hook removes the oldest checkpoint before the new one is there, which with
    ``max_keep_ckpts=1`` is the only one; ``--resume`` ends in an error at the
    half that ``last_checkpoint`` names; and of a work dir that was moved or copied
    it looks for the last and the best checkpoint where they were.

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
    hook.before_train = _in_its_own_folder(hook.before_train)
    for module in (
        mmengine.runner,
        mmengine.runner.checkpoint,
        mmengine.runner.runner,
        _flexible_runner,
    ):
        module.find_latest_checkpoint = find_checkpoint_to_resume


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


def _in_its_own_folder(before_train):
    @functools.wraps(before_train)
    def before_train_in_clean_folder(self, runner) -> None:
        from mmengine.dist import is_main_process

        for name, path in list(runner.message_hub.runtime_info.items()):
            # The better one to come replaces this one, and no copy's original; a
            # fine-tune off the cliff goes back to its own last.
            if name.startswith(('best_ckpt', 'last_ckpt')) and path:
                here = str(where_it_is_now(runner.work_dir, path))
                runner.message_hub.update_info(name, here)
        before_train(self, runner)
        if is_main_process():
            for folder in {str(runner.work_dir), str(self.out_dir)}:
                remove_leftovers(folder)

    return before_train_in_clean_folder
