"""Teachers are found by their recipe, written whole, and made by one job at a time."""

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.teacher import store
from mcmi_plugin.teacher.keep import Wanted, find_or_make
from mcmi_plugin.teacher.make import Job
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.weights.file import load_checkpoint_file

RECIPE = dict(lmda=0.1, data=dict(type='Digits', classes=('a', 'b')))


def meta(recipe=RECIPE):
    return dict(mcmi=dict(fingerprint=fingerprint(recipe)))


def test_the_fingerprint_follows_the_recipe_alone():
    reordered = dict(data=dict(classes=['a', 'b'], type='Digits'), lmda=0.1)
    assert fingerprint(RECIPE) == fingerprint(reordered)
    other = dict(RECIPE, lmda=0.2)
    assert fingerprint(RECIPE) != fingerprint(other)
    assert store.folder('root', 'r34', RECIPE) != store.folder('root', 'r34', other)


def test_published_is_found(tmp_path):
    assert store.find(tmp_path, RECIPE) is None
    path = store.publish(tmp_path, {'w': torch.ones(2)}, meta())
    assert store.find(tmp_path, RECIPE) == path
    assert [p.name for p in tmp_path.iterdir()] == ['teacher.pth']


def test_a_teacher_of_another_recipe_is_refused(tmp_path):
    store.publish(tmp_path, {}, meta(dict(RECIPE, lmda=0.2)))
    with pytest.raises(UserError, match='another recipe'):
        store.find(tmp_path, RECIPE)


def test_a_damaged_teacher_is_refused(tmp_path):
    path = store.publish(tmp_path, {'w': torch.ones(1000)}, meta())
    Path(path).write_bytes(Path(path).read_bytes()[:500])
    with pytest.raises(UserError, match='teacher.pth'):
        store.find(tmp_path, RECIPE)


def test_what_could_not_be_read_back_is_not_published(tmp_path):
    with pytest.raises(UserError):
        store.publish(tmp_path, {'w': object()}, meta())
    assert not list(tmp_path.iterdir())


def hold(directory, log, name):
    with store.lock(directory):
        log.append(f'{name} in')
        time.sleep(0.3)
        log.append(f'{name} out')


def test_one_job_at_a_time(tmp_path):
    context = multiprocessing.get_context('fork')
    with context.Manager() as manager:
        log = manager.list()
        jobs = [
            context.Process(target=hold, args=(str(tmp_path), log, name))
            for name in 'ab'
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join(30)
        first = log[0][0]
        second = 'b' if first == 'a' else 'a'
        inside = [f'{first} in', f'{first} out', f'{second} in', f'{second} out']
        assert list(log) == inside


def test_a_folder_that_can_only_be_read(tmp_path, monkeypatch):
    wanted = Wanted('r34', 'MCMI teacher', RECIPE, Config())
    folder = store.folder(str(tmp_path), 'r34', RECIPE)

    def refused(*args, **kwargs):
        raise PermissionError(13, 'Permission denied', folder)

    monkeypatch.setattr(store.FileLock, 'acquire', refused)
    with pytest.raises(UserError) as error:
        find_or_make(wanted, str(tmp_path), refused)
    assert str(error.value) == (
        f'mcmi.teacher_dir: cannot write {folder} (Permission denied); set it to a '
        'folder that can be written'
    )
    # A teacher that is there needs no more than that.
    path = store.publish(folder, {'w': torch.ones(2)}, meta())
    monkeypatch.setattr(Path, 'unlink', refused)
    assert find_or_make(wanted, str(tmp_path), refused) == path


def test_classes_of_numpy_are_kept_as_what_they_are(tmp_path):
    """mmpretrain names predictions by them; the text of an array has letters."""
    classes = dict(classes=np.array(['cat', 'dog']), count=np.int64(2), known=np.True_)
    found = dict(meta(), dataset_meta=classes)
    path = store.publish(tmp_path, {'w': torch.ones(1)}, found)
    assert load_checkpoint_file(path)['meta']['dataset_meta'] == dict(
        classes=['cat', 'dog'], count=2, known=True
    )


def test_the_folder_of_a_home(monkeypatch):
    monkeypatch.setenv('HOME', '/home/me')
    job = Job(Config(dict(work_dir='w')), TeacherOptions(lmda=0, teacher_dir='~/made'))
    assert job.teachers == '/home/me/made'
