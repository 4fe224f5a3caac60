"""A student of a store is the student of its teacher."""

import copy
import multiprocessing
import os

import pytest
import torch
import torch.multiprocessing as mp
from gloo import leave
from small import (
    KD,
    PKT,
    PLAIN,
    VIEWS,
    assert_same,
    build,
    config,
    teacher_file,
    train,
)

from mcmi_plugin.stored.folder import read_table


@pytest.fixture
def teacher(tmp_path):
    return teacher_file(tmp_path)


@pytest.mark.parametrize('fast', [False, True])
@pytest.mark.parametrize('method', ['KD', pytest.param('PKT', marks=pytest.mark.slow)])
def test_of_float32_to_the_last_bit(tmp_path, teacher, fast, method):
    changes = dict(distiller=dict(KD=KD, PKT=PKT)[method])
    live, _ = train(tmp_path / 'live', teacher, fast=fast, **changes)
    store = dict(dtype='float32')
    first, filled = train(tmp_path / 'first', teacher, store, fast, **changes)
    assert_same(first, live)
    assert filled.asked == 180 and 0 < filled.found < 60
    assert filled.kind == 'features' and filled.table.num_views == 18
    assert filled.table.count() == 180 - filled.found
    second, read = train(tmp_path / 'second', teacher, store, fast, **changes)
    assert_same(second, live)
    assert read.asked == read.found == 180
    # Another seed, and so another order: some views are new, and it is the same again.
    changes['randomness.seed'] = 1
    live, _ = train(tmp_path / 'live1', teacher, fast=fast, **changes)
    third, both = train(tmp_path / 'third', teacher, store, fast, **changes)
    assert_same(third, live)
    assert 0 < both.found < 180


def test_of_another_method_on_the_same_rows(tmp_path, teacher):
    store = dict(dtype='float32')
    _, filled = train(tmp_path / 'kd', teacher, store)
    live, _ = train(tmp_path / 'live', teacher, distiller=PKT)
    student, read = train(tmp_path / 'pkt', teacher, store, distiller=PKT)
    assert read.table.path == filled.table.path and read.found == read.asked
    assert_same(student, live)


# Half a step of the last bit, of the largest number in a row. What a few training
# steps make of that depends on the network.
@pytest.mark.parametrize('dtype, rounding', [('float16', 2**-11), ('int8', 1 / 254)])
def test_of_fewer_bits_it_does_not_depend_on_what_was_there(
    tmp_path, teacher, dtype, rounding
):
    live, exact = train(tmp_path / 'live', teacher, dict(dtype='float32'))
    first, _ = train(tmp_path / 'first', teacher, dict(dtype=dtype))
    second, read = train(tmp_path / 'second', teacher, dict(dtype=dtype))
    assert read.found == 180
    assert_same(first, second)
    weights = [name for name in live if name.endswith('weight')]
    assert not all(first[name].equal(live[name]) for name in weights)
    for image in range(90):
        where = torch.full((18,), image), torch.arange(18)
        (rows, there), (near, kept) = (a.table.rows(*where) for a in (exact, read))
        assert torch.equal(there, kept)
        if exact.kind == 'features' and read.kind == 'logits':
            rows = exact.kept.classifier(rows)
        far = (rows - near)[there].abs().amax(1) / rows[there].abs().amax(1)
        assert (far <= 1.01 * rounding).all()


def test_the_ordinary_and_the_resident_loader_share_their_rows(tmp_path, teacher):
    _, one = train(tmp_path / 'one', teacher, {}, fast=False)
    _, two = train(tmp_path / 'two', teacher, {}, fast=True)
    assert one.table.path == two.table.path
    assert two.found > 0 and two.table.damaged == 0


def test_what_single_images_filled_serves_whole_batches(tmp_path, teacher):
    changes, store = dict(pipeline=PLAIN), dict(dtype='float32')
    alone = {'train_dataloader.batch_size': 1, 'train_cfg.max_epochs': 1}
    train(tmp_path / 'alone', teacher, store, **changes, **alone)
    live, _ = train(tmp_path / 'live', teacher, **changes)
    student, read = train(tmp_path / 'stored', teacher, store, **changes)
    assert read.found == read.asked == 180
    assert_same(student, live)


@pytest.mark.parametrize('workers', [0, 2])
def test_without_augmentation_the_second_epoch_is_there(tmp_path, teacher, workers):
    changes = {'train_dataloader.num_workers': workers}
    live, _ = train(tmp_path / 'live', teacher, pipeline=PLAIN, **changes)
    store = dict(dtype='float32', dir=str(tmp_path / 'elsewhere'))
    student, answers = train(
        tmp_path / 'stored', teacher, store, pipeline=PLAIN, **changes
    )
    assert_same(student, live)
    assert answers.table.num_views == 1
    assert (answers.asked, answers.found) == (180, 90)
    assert answers.table.path.parent.parent == tmp_path / 'elsewhere'
    # What is there is what the teacher says.
    table, identity = read_table(answers.table.path.parent)
    assert identity['kept'] == 'features' and table.count() == 90


def test_a_view_is_known_by_workers_too(tmp_path, teacher):
    changes = {'train_dataloader.num_workers': 2}
    store = dict(dtype='float32')
    live, _ = train(tmp_path / 'live', teacher, **changes)
    first, _ = train(tmp_path / 'first', teacher, store, **changes)
    second, read = train(tmp_path / 'second', teacher, store, **changes)
    assert read.found == read.asked == 180
    assert_same(first, live)
    assert_same(second, live)


def test_every_row_is_of_its_own_view(tmp_path, teacher):
    """Whatever is in the table after a training is what the teacher says of it."""
    from mmengine.runner import Runner

    _, answers = train(tmp_path / 'one', teacher, dict(dtype='float32'), fast=True)
    runner = Runner.from_cfg(config(tmp_path / 'again', teacher, pipeline=PLAIN))
    model = runner.model
    model.eval()
    images = runner.build_dataloader(runner.cfg.train_dataloader).dataset
    looked = 0
    for image in range(0, 90, 7):
        raw = images[image]['inputs']
        padded = torch.nn.functional.pad(raw, (1, 1, 1, 1))
        for view in range(18):
            row, there = answers.table.rows(torch.tensor([image]), torch.tensor([view]))
            if not there:
                continue
            place, mirrored = divmod(view, 2)
            top, left = divmod(place, 3)
            cut = padded[:, top : top + 8, left : left + 8]
            cut = cut.flip(-1) if mirrored else cut
            inputs = model.data_preprocessor(dict(inputs=[cut]))['inputs']
            with torch.no_grad():
                (expected,) = model.teacher.extract_feat(inputs)
            assert torch.allclose(row, expected, rtol=1e-4, atol=1e-5)
            looked += 1
    assert looked > 15


def test_a_teacher_of_its_own_has_a_store_of_its_own(tmp_path, teacher):
    _, one = train(tmp_path / 'one', teacher, {})
    _, two = train(tmp_path / 'two', teacher_file(tmp_path, 1), {})
    _, three = train(tmp_path / 'three', teacher, {}, images=89)
    pad = copy.deepcopy(VIEWS)
    pad[0]['pad_val'] = 7
    _, four = train(tmp_path / 'four', teacher, {}, pipeline=pad)
    changes = {'model.data_preprocessor.std': [90] * 3}
    _, five = train(tmp_path / 'five', teacher, {}, **changes)
    stores = [one, two, three, four, five]
    assert len({answers.table.path for answers in stores}) == 5


def test_a_resumed_student_is_the_same(tmp_path, teacher):
    whole, _ = train(tmp_path / 'whole', teacher, {}, fast=True)
    train(tmp_path / 'half', teacher, {}, fast=True, **{'train_cfg.max_epochs': 1})
    resumed, answers = train(tmp_path / 'half', teacher, {}, fast=True, resume=True)
    assert answers.asked == 90
    assert_same(resumed, whole)


def processes(rank, folder):
    torch.set_num_threads(1)
    os.environ['LOCAL_RANK'] = str(rank)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/group', rank=rank, world_size=2
    )
    for name in ('first', 'second'):
        cfg = config(f'{folder}/{name}', f'{folder}/teacher0.pth', {}, fast=True)
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
        )
        cfg.launcher = 'none'
        runner = build(cfg)
        runner._distributed = True
        runner.model = runner.wrap_model(cfg.model_wrapper_cfg, runner.model)
        runner.train()
        (hook,) = (h for h in runner.hooks if type(h).__name__ == 'TeacherStoreHook')
        torch.save(
            dict(
                student=runner.model.module.architecture.state_dict(),
                counts=(hook.answers.asked, hook.answers.found),
            ),
            f'{folder}/{name}{rank}.pt',
        )
    leave()


def test_two_processes_fill_and_read_one_store(tmp_path, teacher):
    multiprocessing.set_forkserver_preload(['mcmi_plugin'])
    mp.start_processes(processes, (str(tmp_path),), 2, start_method='forkserver')
    for rank in range(2):
        first, second = (
            torch.load(tmp_path / f'{name}{rank}.pt', weights_only=True)
            for name in ('first', 'second')
        )
        assert first['counts'][0] == 90 > first['counts'][1]
        assert second['counts'] == (90, 90)
        # gloo adds in an order of its own, and of two numbers there is only one.
        assert_same(first['student'], second['student'])
