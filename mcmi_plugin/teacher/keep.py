"""A teacher is found by its recipe, or made and kept."""

import os.path as osp
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from mmengine.config import Config
from mmengine.dist import get_world_size

from mcmi_plugin.job import PlaceInJob
from mcmi_plugin.log import log_line
from mcmi_plugin.processes import on_main
from mcmi_plugin.provenance import fingerprint, versions
from mcmi_plugin.teacher import store
from mcmi_plugin.teacher.earlier import tell_if_earlier, tell_of_earlier
from mcmi_plugin.teacher.stage import remove_checkpoints
from mcmi_plugin.teacher.start import kept_teacher


@dataclass(frozen=True)
class Wanted:
    """A teacher that is looked for.

    Attributes:
        name: what its folder's name begins with.
        title: the log's words for it.
        recipe: what decides about it.
        stage_cfg: that makes it; gets the folder as its ``work_dir``.
        how: in brackets, what is done to make it, where it is trained.
        place: of its stage in the job.
    """

    name: str
    title: str
    recipe: dict
    stage_cfg: Config
    how: str = ''
    place: PlaceInJob = PlaceInJob()


def find_or_make(
    wanted: Wanted, root: str, make: Callable[[], tuple[dict, dict]]
) -> str:
    """The file of a teacher, on every process.

    Raises:
        UserError: ``root`` cannot be written, or as ``make``.
    """
    directory = store.folder(root, wanted.name, wanted.recipe)
    wanted.stage_cfg.work_dir = directory
    wanted.stage_cfg.experiment_name = osp.basename(directory)
    # It is whole where it is, so that a folder of others needs but be read.
    found = _found(wanted, directory)
    if found is not None:
        return found
    title = wanted.title
    with store.lock(directory):
        found = _found(wanted, directory)  # made by the job that held the lock
        if found is not None:
            return found
        tell_of_earlier(root, wanted.name, wanted.recipe, wanted.stage_cfg)
        words = wanted.place.before(f'making the {title}{wanted.how} in {directory}')
        log_line(words)
        state, mcmi = make()
        meta = dict(
            dataset_meta=mcmi.pop('dataset_meta'),
            mcmi=dict(
                mcmi,
                fingerprint=fingerprint(wanted.recipe),
                processes=get_world_size(),
                versions=versions(),
            ),
        )
        path = on_main(store.publish, directory, state, meta)
        on_main(remove_checkpoints, directory)  # the teacher is there instead
    log_line(f'{title} kept: {path}')
    return path


def _found(wanted: Wanted, directory: str) -> str | None:
    path = on_main(store.find, directory, wanted.recipe)
    if path is None:
        return None
    with suppress(OSError):  # of a folder that can only be read
        on_main(remove_checkpoints, directory)  # if killed before it did
    log_line(wanted.place.before(f'{wanted.title} found: {path}'))
    tell_if_earlier(path, kept_teacher(path).made)
    return path
