"""The bounded history against upstream's own, which is loaded a second time."""

import copy
import importlib.util
import io
import math
import pickle
import sys
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import LogProcessor

from mcmi_plugin.compat import bounded_history

MODULE = 'mmengine.logging.history_buffer'


@pytest.fixture(scope='module')
def upstream():
    """The module as upstream wrote it: a class without the mend."""
    spec = importlib.util.spec_from_file_location(MODULE, sys.modules[MODULE].__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.HistoryBuffer is not HistoryBuffer
    return module


@pytest.fixture
def in_plain_mmengine(upstream, monkeypatch):
    """``f(...)``, while pickle finds upstream's class under mmengine's name."""

    def call(function, *args):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, MODULE, upstream)
            return function(*args)

    return call


@pytest.fixture(params=['nothing summed up', 'much summed up'])
def kept(request, monkeypatch):
    """How many entries stay for certain."""
    number = 1000 if request.param == 'nothing summed up' else 50
    monkeypatch.setattr(bounded_history, 'KEPT', number)
    return number


def entries(number: int, seed: int = 0) -> list[tuple[float, int]]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=number).tolist()
    return list(zip(values, rng.integers(1, 9, number).tolist(), strict=True))


def filled(cls, what: list[tuple[float, int]], **kwargs):
    buffer = cls([what[0][0]], [what[0][1]], **kwargs)
    for value, count in what[1:]:
        buffer.update(value, count)
    return buffer


@pytest.mark.parametrize('name', ['mean', 'min', 'max'])
def test_statistics_are_upstreams(upstream, kept, name):
    what = entries(777)
    ours, theirs = filled(HistoryBuffer, what), filled(upstream.HistoryBuffer, what)
    for window in (1, 10, 50, 777, 778, 10_000, None):
        expected = getattr(theirs, name)(window)
        assert getattr(ours, name)(window) == pytest.approx(expected, rel=1e-12)
        assert ours.statistics(name, window) == pytest.approx(expected, rel=1e-12)
    assert ours.current() == ours.statistics('current') == theirs.current()
    assert isinstance(ours.mean(), np.float64)


def test_every_window_to_the_bit_while_nothing_is_summed_up(upstream):
    what = entries(500)
    ours, theirs = filled(HistoryBuffer, what), filled(upstream.HistoryBuffer, what)
    for window in range(1, 502):
        assert ours.mean(window) == theirs.mean(window)
    for mine, their in zip(ours.data, theirs.data, strict=True):
        np.testing.assert_array_equal(mine, their, strict=True)


@pytest.mark.parametrize(
    'values',
    [[1, 2, 3], [1, 2.5, 3], [True, False], [True, 2], [0.5, 1, 2**40]],
)
@pytest.mark.parametrize('empty_at_first', [True, False])
def test_kinds_of_numbers_are_upstreams(upstream, values, empty_at_first):
    buffers = []
    for cls in (HistoryBuffer, upstream.HistoryBuffer):
        first = 0 if empty_at_first else 1
        buffer = cls(values[:first], [1] * first)
        for value in values[first:]:
            buffer.update(value)
        buffers.append(buffer)
    for mine, their in zip(*(buffer.data for buffer in buffers), strict=True):
        np.testing.assert_array_equal(mine, their, strict=True)


def test_max_length_forgets_as_upstream(upstream):
    what = entries(300)
    ours = filled(HistoryBuffer, what, max_length=40)
    theirs = filled(upstream.HistoryBuffer, what, max_length=40)
    assert ours.mean() == theirs.mean() and ours.max(30) == theirs.max(30)
    assert len(ours.data[0]) == 40


def test_nan_is_seen_in_what_was_summed_up(monkeypatch):
    monkeypatch.setattr(bounded_history, 'KEPT', 10)
    buffer = filled(HistoryBuffer, [(math.nan, 1), *entries(100)])
    assert all(math.isnan(s) for s in (buffer.mean(), buffer.min(), buffer.max()))
    assert not math.isnan(buffer.mean(5))


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match='str'):
        HistoryBuffer().update('1')


def test_user_statistics_see_the_history():
    buffer = filled(HistoryBuffer, [(1.0, 1), (2.0, 1), (4.0, 2)])

    @HistoryBuffer.register_statistics
    def span(self, window_size):
        return np.ptp(self._log_history[-window_size:])

    try:
        assert buffer.statistics('span', 2) == 2.0
    finally:
        del HistoryBuffer._statistics_methods['span']


def test_an_update_copies_no_history():
    buffer = filled(HistoryBuffer, entries(10_000))
    before = buffer.data[0]
    buffer.update(1.0)
    assert np.shares_memory(before, buffer.data[0])


def test_a_checkpoint_does_not_grow():
    hub = MessageHub('test_a_checkpoint_does_not_grow')
    sizes, seen = [], 0
    for iterations in (1_000, 200_000):
        for i in range(seen, iterations):
            hub.update_scalar('train/loss', i / 7)
        seen = iterations
        hub.get_scalar('train/loss').mean(10)
        sizes.append(len(pickle.dumps(hub.state_dict())))
    assert sizes[1] <= sizes[0] + 100  # the sums are there from the start
    assert sizes[0] < 10_000


def saved(buffer) -> bytes:
    file = io.BytesIO()
    torch.save({'log_scalars': OrderedDict(loss=buffer)}, file)
    return file.getvalue()


def loaded(file: bytes):
    checkpoint = torch.load(io.BytesIO(file), weights_only=True)
    return checkpoint['log_scalars']['loss']


def test_a_resumed_history_goes_on(upstream, kept):
    what = entries(900)
    theirs = filled(upstream.HistoryBuffer, what)
    ours = copy.deepcopy(loaded(saved(filled(HistoryBuffer, what[:600]))))
    assert len(ours.data[0]) <= bounded_history.SAVED
    assert ours.mean(45) == pytest.approx(_mean(what[:600], 45))
    for value, count in what[600:]:
        ours.update(value, count)
    for name in ('mean', 'min', 'max'):
        expected = getattr(theirs, name)()
        assert getattr(ours, name)() == pytest.approx(expected, rel=1e-12)
        assert getattr(ours, name)(900) == pytest.approx(expected, rel=1e-12)


def _mean(what, window):
    values, counts = zip(*what[-window:], strict=True)
    return sum(values) / sum(counts)


def test_a_window_that_is_asked_for_is_saved():
    buffer = filled(HistoryBuffer, entries(500))
    expected = buffer.mean(300)
    assert loaded(saved(buffer)).mean(300) == expected


def test_to_plain_mmengine_and_back(upstream, kept, in_plain_mmengine):
    what = entries(600)
    ours = filled(HistoryBuffer, what[:400])
    theirs = in_plain_mmengine(pickle.loads, pickle.dumps(ours))
    assert type(theirs) is upstream.HistoryBuffer
    assert theirs.mean(10) == ours.mean(10) and theirs.current() == ours.current()
    for value, count in what[400:]:
        theirs.update(value, count)
    ours = pickle.loads(in_plain_mmengine(pickle.dumps, theirs))
    assert type(ours) is HistoryBuffer
    assert ours.mean() == pytest.approx(_mean(what, 600), rel=1e-12)
    assert ours.mean(20) == pytest.approx(_mean(what, 20), rel=1e-12)


def test_an_old_checkpoint_is_read_whole(upstream, in_plain_mmengine):
    what = entries(700)
    theirs = filled(upstream.HistoryBuffer, what)
    ours = pickle.loads(in_plain_mmengine(pickle.dumps, theirs))
    assert ours.mean() == theirs.mean() and ours.mean(500) == theirs.mean(500)


def test_a_log_processor_prints_the_same(upstream, kept, monkeypatch):
    processor = LogProcessor(
        window_size=10,
        custom_cfg=[
            dict(data_src='loss', log_name=f'loss_{window}_{name}', **cfg)
            for window in (7, 'epoch', 'global')
            for name in ('mean', 'min', 'max')
            for cfg in [dict(method_name=name, window_size=window)]
        ],
    )
    tags = []
    for cls in (HistoryBuffer, upstream.HistoryBuffer):
        monkeypatch.setattr('mmengine.logging.message_hub.HistoryBuffer', cls)
        hub = MessageHub('hub')
        for i, (value, _) in enumerate(entries(600)):
            hub.update_scalars({'train/loss': value, 'train/lr': 0.1, 'train/n': i})
        # The 40th iteration of the epoch, the 600th of the run.
        runner = SimpleNamespace(
            message_hub=hub,
            iter=599,
            epoch=14,
            max_epochs=20,
            _train_loop=object(),
            train_loop=SimpleNamespace(dataloader=range(40)),
        )
        tags.append(processor.get_log_after_iter(runner, 39, 'train'))
    (tag, line), (expected, expected_line) = tags
    assert tag == pytest.approx(expected, rel=1e-12) and line == expected_line
