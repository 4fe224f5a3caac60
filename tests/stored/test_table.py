"""A table of rows: what is read is what was written, whatever happens in between."""

import errno
import os
import signal
import time

import pytest
import torch

from mcmi_plugin.errors import UserError
from mcmi_plugin.stored.folder import MANIFEST, TABLE, open_table, read_table
from mcmi_plugin.stored.records import DTYPES, Records

IDENTITY = dict(
    format=1, teacher='a', kept='logits', dtype='float16', width=5, num_images=7
)
IDENTITY['num_views'] = 3


def table(folder, **changes):
    return open_table(folder / 'store', IDENTITY | changes)


def everything(size=7, views=3):
    images = torch.arange(size).repeat_interleave(views)
    return images, torch.arange(views).repeat(size)


def values(number, width=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.randn(number, width, generator=generator)


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('width', [1, 5, 64, 100])
def test_what_is_written_is_read_back(tmp_path, dtype, width):
    one = table(tmp_path, dtype=dtype, width=width)
    images, views = torch.tensor([6, 0, 3]), torch.tensor([2, 0, 1])
    written = values(3, width)
    one.write(images, views, written)
    for reader in (one, table(tmp_path, dtype=dtype, width=width)):
        read, there = reader.rows(*everything())
        assert there.sum() == 3 == reader.count()
        read, there = reader.rows(images, views)
        assert there.all()
        assert torch.equal(read, one.records.rounded(written)[0])
    if dtype == 'float32':
        assert torch.equal(read, written)
    exponents = dict(float16=2**-11, int8=1 / 254 * 8, float32=0)
    assert (read - written).abs().max() <= exponents[dtype] * written.abs().max()


def test_rows_that_cannot_be_said_are_told():
    records = Records(3, 'float16', '')
    rows = torch.tensor([[1.0, 2, 3], [1e6, 0, 0], [float('nan'), 0, 0]])
    assert records.rounded(rows)[1].tolist() == [True, False, False]
    assert Records(3, 'int8', '').rounded(torch.zeros(1, 3))[0].tolist() == [[0] * 3]


def test_nothing_is_there_at_first_and_the_file_takes_no_room(tmp_path):
    one = table(tmp_path, num_images=100_000, width=100)
    assert one.count() == 0
    status = one.path.stat()
    assert status.st_size == one.nbytes > 6e7 and status.st_blocks * 512 < 1e6


@pytest.mark.parametrize('place', [0, 9, 15, 16, 23])
def test_a_row_that_was_changed_anywhere_is_not_read(tmp_path, place, caplog):
    one = table(tmp_path)
    one.write(torch.tensor([2]), torch.tensor([1]), values(1))
    assert one.records.nbytes == 24
    data = bytearray(one.path.read_bytes())
    data[7 * 24 + place] ^= 16
    one.path.write_bytes(data)
    again = table(tmp_path)
    assert not again.rows(torch.tensor([2]), torch.tensor([1]))[1].any()
    assert again.damaged == (place != 99)
    again.write(torch.tensor([2]), torch.tensor([1]), values(1))
    assert again.rows(torch.tensor([2]), torch.tensor([1]))[1].all()


def test_rows_of_another_store_are_not_read(tmp_path):
    one = table(tmp_path)
    one.write(*everything(), values(21))
    other = open_table(tmp_path / 'other', IDENTITY | dict(teacher='b'))
    other.path.write_bytes(one.path.read_bytes())
    assert other.count() == 0 and one.count() == 21
    # Nor those of another place in the same store.
    data = one.path.read_bytes()
    one.path.write_bytes(data[24:] + data[:24])
    assert table(tmp_path).count() == 0


def test_another_size_manifest_or_store_is_one_line(tmp_path):
    one = table(tmp_path)
    folder = one.path.parent
    with pytest.raises(UserError, match=r'of another store \(teacher\); remove the'):
        read_table(folder, IDENTITY | dict(teacher='b'))
    os.truncate(folder / TABLE, 100)
    with pytest.raises(UserError, match='has 100 bytes, not 504: it was cut off'):
        table(tmp_path)
    (folder / TABLE).unlink()
    with pytest.raises(UserError, match='has 0 bytes, not 504'):
        table(tmp_path)
    for text in ('', '[]', '{"identity": {}}', '{"identity": null}', '\x00'):
        (folder / MANIFEST).write_text(text)
        with pytest.raises(UserError, match='is no manifest of a store'):
            read_table(folder)
    with pytest.raises(UserError, match='there is no store in'):
        read_table(tmp_path)


def test_a_store_that_was_made_by_halves_is_made(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('mcmi_plugin.stored.folder.json.dump', _fail)
        with pytest.raises(KeyboardInterrupt):
            table(tmp_path)
    assert table(tmp_path).count() == 0


def _fail(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.parametrize('short', [False, True])
def test_a_full_disk_stops_the_writing_and_nothing_else(
    tmp_path, monkeypatch, short, capsys
):
    one = table(tmp_path)
    one.write(torch.tensor([0]), torch.tensor([0]), values(1))
    written = os.pwrite

    def pwrite(file, data, offset):
        if offset < 5 * 24:
            return written(file, data, offset)
        if not short:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return written(file, bytes(data)[:8], offset)

    monkeypatch.setattr(os, 'pwrite', pwrite)
    one.write(*everything(), values(21))
    monkeypatch.undo()
    assert one.is_full and one.count() == 5
    one.write(*everything(), values(21))  # nothing more
    assert one.count() == 5
    assert torch.equal(
        one.rows(*everything())[0][:5], one.records.rounded(values(21))[0][:5]
    )


def test_twenty_kills_leave_no_wrong_row(tmp_path):
    # Rows of several pages, so that a kill may hit one.
    shape = dict(width=6000, num_images=200, num_views=4, dtype='float32')
    one = table(tmp_path, **shape)
    images, views = everything(200, 4)
    whole = values(800, 6000)
    before = 0
    for turn in range(20):
        told, tells = os.pipe()
        child = os.fork()
        if not child:
            order = torch.randperm(800, generator=torch.Generator().manual_seed(turn))
            for part in order.split(4):
                one.write(images[part], views[part], whole[part])
                os.write(tells, b'.')
            os._exit(0)
        for _ in range(1 + turn):
            os.read(told, 1)
        os.kill(child, signal.SIGKILL)  # in the midst of a later part
        os.waitpid(child, 0)
        os.close(told), os.close(tells)
        read, there = one.rows(images, views)
        assert torch.equal(read[there], whole[there])
        assert there.sum() >= max(before, 4 * (1 + turn))
        before = there.sum()


def test_several_fill_one_store_at_a_time(tmp_path):
    images, views = everything(300)
    whole, orders, children = values(900), [], []
    ready, begins = os.pipe()
    for number in range(3):
        drawn = torch.randperm(900, generator=torch.Generator().manual_seed(number))
        orders.append(drawn[:600])
        child = os.fork()
        if not child:
            os.close(begins)
            one = table(tmp_path, num_images=300)
            os.read(ready, 1)  # until all have been started
            for part in orders[-1].split(2):
                one.write(images[part], views[part], whole[part])
                time.sleep(0)  # let another one
            os._exit(0)
        children.append(child)
    os.close(begins), os.close(ready)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
    one = table(tmp_path, num_images=300)
    read, there = one.rows(images, views)
    assert one.damaged == 0 and there.sum() == len(torch.cat(orders).unique())
    assert torch.equal(read[there], one.records.rounded(whole)[0][there])


def test_a_store_that_can_only_be_read(tmp_path, monkeypatch):
    one = table(tmp_path)
    one.write(torch.tensor([0]), torch.tensor([0]), values(1))
    opened = os.open

    def only_to_read(path, flags, *args, **kwargs):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(errno.EACCES, 'Permission denied', str(path))
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, 'open', only_to_read)
    again = table(tmp_path)
    assert again.count() == 1 and not again.is_full
    again.write(torch.tensor([1]), torch.tensor([0]), values(1))
    again.flush()
    assert again.is_full and again.count() == 1


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize(
    ('precision', 'near', 'far'),
    [
        ('float32', 1.5e-3, 3e-2),  # of a convolution in TF32
        ('float16', 2e-3, 3e-2),
        ('torch.bfloat16', 1.3e-2, 8e-2),
    ],
)
def test_rows_may_be_as_far_as_they_are_computed(tmp_path, dtype, precision, near, far):
    """On a GPU, where a batch of another size is computed by another kernel."""
    one = table(tmp_path, dtype=dtype, precision=precision)
    images, views = everything()
    written = values(21)
    one.write(images, views, written)
    size = written.abs().amax(1, keepdim=True)
    numbers = torch.arange(21)
    there, largest = one.compared(numbers, written + near * size)
    assert there == 21 and 0.5 * near < largest
    with pytest.raises(UserError, match='is not of this teacher'):
        one.compared(numbers, written + far * size)


def test_a_disk_without_memory_maps_is_one_line(tmp_path, monkeypatch):
    def memmap(*args, **kwargs):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr('numpy.memmap', memmap)
    with pytest.raises(UserError, match=r'cannot be mapped.*teacher_store\.dir=DIR'):
        table(tmp_path)
