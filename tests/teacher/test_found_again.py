"""A teacher is found by the recipe that it was made by, and by no other."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import QUICKSTART
from mmengine.config import Config
from test_content import LINES, write

from mcmi_plugin.datasets.content import Content
from mcmi_plugin.errors import UserError
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.teacher import earlier, make, recipe, store
from mcmi_plugin.teacher.make import Job, provide_teacher
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config


@pytest.fixture(autouse=True)
def stages(monkeypatch):
    """The configs of the stages that were run, in place of their training."""
    ran = []

    def run_stage(cfg, *_):
        ran.append(cfg)
        return {'w': torch.tensor(len(ran))}, dict(dataset_meta={}, history=[])

    monkeypatch.setattr(make, 'run_stage', run_stage)
    return ran


@pytest.fixture(autouse=True)
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(earlier, 'log_warning', lines.append)
    return lines


def dataset(root):
    return dict(
        type='mmpretrain.CustomDataset',
        data_root=str(root),
        ann_file='list.txt',
        data_prefix='train',
        pipeline=[],
    )


@pytest.fixture
def digits(tmp_path):
    cfg = Config.fromfile(QUICKSTART)
    cfg.work_dir = str(tmp_path / 'run')
    return cfg


@pytest.fixture
def listed(digits, tmp_path):
    """The quick start with files on a disk, told by a list."""
    for split in ('train', 'val'):
        write(tmp_path / split)
        digits[f'{split}_dataloader'].dataset = dataset(tmp_path / split)
    return digits


def provide(cfg, **options):
    options = {'lmda': 0.1, 'mll_epochs': 1, **options}
    return provide_teacher(Job(cfg, TeacherOptions(**options)))


FLIPPED = [line[:-1] + str(1 - int(line[-1])) for line in LINES]


def test_labels_that_have_changed_make_another_teacher(listed, tmp_path, stages):
    first = provide(listed)
    assert provide(listed) == first and len(stages) == 2
    write(tmp_path / 'train', lines=FLIPPED)
    assert provide(listed) != first and len(stages) == 4
    write(tmp_path / 'train')
    assert provide(listed) == first and len(stages) == 4


def test_a_data_set_that_was_moved_keeps_its_teacher(listed, tmp_path, monkeypatch):
    first = provide(listed)
    shutil.move(tmp_path / 'train', tmp_path / 'disk')
    monkeypatch.chdir(tmp_path)
    listed.train_dataloader.dataset.data_root = 'disk'
    assert provide(listed) == first


def test_the_validation_set_counts_where_it_chooses(listed, tmp_path):
    first, chosen = provide(listed), provide(listed, early_stopping=True)
    write(tmp_path / 'val', lines=FLIPPED)
    assert provide(listed) == first
    assert provide(listed, early_stopping=True) != chosen


def test_the_validation_set_counts_where_it_is_measured(listed, tmp_path, monkeypatch):
    def hand_over(cfg, start, *_):
        record = dict(dataset_meta={}, before={}, after={}, temperature=2.0)
        return start.weights, record

    monkeypatch.setattr(make, 'hand_over', hand_over)
    options = dict(form='none', lmda=None, temperature='validation')
    first = provide(listed, **options)
    assert provide(listed, **options) == first
    write(tmp_path / 'val', lines=FLIPPED)
    assert provide(listed, **options) != first


def test_a_teachers_own_data_set_counts_in_place_of_the_students(listed, tmp_path):
    own = dataset(write(tmp_path / 'own'))
    listed.train_dataloader.dataset.ann_file = 'is not read'
    first = provide(listed, dataset=own)
    write(tmp_path / 'own', lines=FLIPPED)
    assert provide(listed, dataset=own) != first


def test_what_is_wrong_with_the_data_is_said_before_anything_is_made(listed, stages):
    listed.train_dataloader.dataset = dict(
        type='PseudoLabelled',
        labelled_fraction=0.5,
        dataset=listed.train_dataloader.dataset,
    )
    with pytest.raises(UserError, match='no pseudo-label yet'):
        provide(listed)
    assert not stages


def test_the_total_batch_decides_where_nothing_scales_the_rate(digits, monkeypatch):
    first = provide(digits)
    monkeypatch.setattr(recipe, 'get_world_size', lambda: 2)
    second = provide(digits)
    assert second != first
    digits.train_dataloader.batch_size //= 2
    assert provide(digits) == first


def before(cfg, stage):
    """Where a version before kept the first teacher of the quick start or its kind."""
    made_by = torch.load(stage, weights_only=True)['meta']['mcmi']['recipe']
    options = TeacherOptions(lmda=0.1, mll_epochs=1)
    stage_cfg = stage_config(cfg, options, 'mll', '')
    old = earlier.recipe_before(made_by, stage_cfg)
    root = str(Path(stage).parent.parent)
    return store.folder(root, recipe.folder_name(cfg, options, 'mll'), old), old


def leave(path, folder):
    """A teacher in the folder, and with the provenance, of a version before."""
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint['meta']['mcmi']['processes']
    Path(folder).mkdir()
    torch.save(checkpoint, Path(folder) / 'teacher.pth')
    path.unlink()


def test_recipes_of_an_earlier_version_are_known_by_their_hashes(digits):
    """The hashes were taken with that version, 0.1.0."""
    for split in ('train', 'val'):
        digits[f'{split}_dataloader'].dataset = dataset(f'/{split}')
    options = TeacherOptions(lmda=0.1, mll_epochs=1, early_stopping=True)
    held = Content(4, 'what it holds')
    hashes = dict(mll='73992aec7c47', mcmi='b6bf0cc040cd', none='432d0fe908d0')
    for stage, expected in hashes.items():
        cfg = stage_config(digits, options, stage.replace('none', 'mcmi'), '')
        if stage == 'none':
            made_by = recipe.recipe_of_handover(cfg, options, held, 'hash', held)
        elif stage == 'mcmi':
            made_by = recipe.recipe_of(cfg, options, held, 'hash')
        else:
            made_by = recipe.recipe_of(cfg, options, held, None, held)
        old = earlier.recipe_before(made_by, cfg)
        assert fingerprint(old)[:12] == expected, stage


def test_the_teacher_of_an_earlier_version_is_not_taken_unseen(
    listed, said, stages, tmp_path
):
    provide(listed)
    (mll,) = tmp_path.glob('mcmi_teachers/*-mll-*/teacher.pth')
    folder, old = before(listed, mll)
    assert old['data']['data_root'] == str(tmp_path / 'train')
    assert old['batch_size'] == 32 and 'data_content' not in old
    leave(mll, folder)
    provide(listed)
    assert len(stages) == 4  # made anew
    (line,) = said
    assert 'does not tell what the training set holds: the teacher is made' in line
    assert f'{folder}/teacher.pth' in line and 'model.teacher_ckpt' in line
    provide(listed)
    assert len(said) == 1 and len(stages) == 4


def test_what_an_earlier_version_left_untold_is_named(listed, said, tmp_path):
    listed.train_dataloader.update(drop_last=True, num_batch_per_epoch=1)
    listed.update(auto_scale_lr=dict(base_batch_size=64), sync_bn='torch')
    provide(listed)
    (mll,) = tmp_path.glob('mcmi_teachers/*-mll-*/teacher.pth')
    folder, _ = before(listed, mll)
    leave(mll, folder)
    provide(listed)
    new = 'base_batch_size and drop_last and num_batch_per_epoch and sync_bn'
    assert f'{new}: the' in said[0]


def test_another_recipe_of_this_version_is_not_taken_for_an_earlier_one(digits, said):
    provide(digits)
    digits.train_dataloader.drop_last = True
    provide(digits)
    assert not said


def test_embedded_data_keep_the_teachers_of_earlier_versions(digits, said, tmp_path):
    """Under the same hash; what that version did not tell is said."""
    first = provide(digits)
    assert not said
    (mll,) = tmp_path.glob('mcmi_teachers/*-mll-*/teacher.pth')
    assert before(digits, mll)[0] == str(mll.parent)
    checkpoint = torch.load(mll, weights_only=True)
    assert checkpoint['meta']['mcmi'].pop('processes') == 1
    torch.save(checkpoint, mll)
    assert provide(digits) == first
    assert len(said) == 1 and 'taken for one of a single process' in said[0]


def test_the_quick_starts_teacher_is_the_one_that_the_page_names(digits, project):
    page = (project / 'docs/audit.md').read_text()
    provide(digits, **digits.mcmi)
    assert [
        path.parent.name in page
        for path in Path(digits.work_dir).parent.glob('*/*-mll-*/teacher.pth')
    ] == [True]
