"""What is drawn can be read: no label covered or cut, and nothing left to guess."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn import assert_whole, teacher, written
from mmengine.logging import MessageHub

from mcmi_plugin.evaluation.predictions import Predictions
from mcmi_plugin.report.spaces import output_space
from mcmi_plugin.teacher.summary import write_summary
from mcmi_study.figures import draw
from mcmi_study.results import Results

LONG = [
    'ankle boot', 'button-down shirt', 'sandal with heel', 'automobile',
    'evening dress', 'pullover', 'pair of trousers', 'long winter coat', 'aeroplane',
    'shoulder bag',
]  # fmt: skip


def boxes(artists):
    return [artist.get_window_extent() for artist in artists]


@pytest.fixture(scope='module')
def curves(tmp_path_factory):
    runner = SimpleNamespace(message_hub=MessageHub.get_instance('legible'))
    folder = str(tmp_path_factory.mktemp('curves'))
    with written() as figures:
        write_summary(runner, teacher(0.03, -0.02), teacher(0.02, -0.01), folder)
    (figure,) = figures
    return figure


def test_cmi_and_ll_have_a_panel_each_and_a_legend(curves):
    panels = [axes.get_ylabel() for axes in curves.axes]
    assert sorted(panels) == ['CMI, nats'] * 2 + ['LL, nats'] * 2
    for one, other in itertools.combinations(boxes(curves.axes), 2):
        assert not one.overlaps(other)
    legends = [f.legends[0] for f in [curves, *curves.subfigs] if f.legends]
    names = [t.get_text() for part in legends for t in part.get_texts()]
    # Augmented or not, every line and every mark says of which it is.
    for name in ('MLL', 'lambda = 0', 'MCMI'):
        of_teacher = [n for n in names if n.startswith(f'{name}:')]
        assert len(of_teacher) == 2
        assert sum('as trained on' in n for n in of_teacher) == 1
        assert sum('not augmented' in n for n in of_teacher) == 1


def test_epochs_are_whole(curves):
    for axes in curves.axes:
        assert all(tick == round(tick) for tick in axes.get_xticks())
        for line in axes.get_lines():
            assert all(x == round(x) for x in line.get_xdata())


def size(line):
    return line.get_markersize() if line.get_linestyle() == 'None' else line.get_lw()


def test_mcmi_is_never_hidden_under_its_control(curves):
    drawn = 0
    for axes in curves.axes:
        lines = {line.get_label(): line for line in axes.get_lines()}
        for name, above in lines.items():
            below = lines.get(name.replace('MCMI', 'lambda = 0'))
            if below is None or below is above:
                continue
            drawn += 1
            assert above.get_zorder() > below.get_zorder()
            assert size(below) > size(above)  # and is seen on both sides of it
    assert drawn == 4


def test_nothing_is_cut_off(curves):
    assert_whole(curves)


def outputs(sharpness, seed):
    """Of 120 samples of ten classes, most of them right."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(120) % 10
    noise = torch.randn(120, 10, generator=random)
    logits = torch.eye(10)[labels] * sharpness + noise
    return Predictions(logits, labels, LONG)


def test_in_the_output_space_names_stand_beside_their_points():
    with written() as spaces:
        output_space({'teacher, MLL': outputs(9, 0), 'student': outputs(4, 1)})
    assert len(spaces) == 2
    for figure in spaces:
        (axes,) = figure.axes
        names = [t for t in axes.texts if t.get_text() in LONG]
        assert {t.get_text() for t in names} == set(LONG)
        collections = axes.collections
        points = np.concatenate([c.get_offsets() for c in collections])
        seen = axes.transData.transform(points)
        frame = axes.get_window_extent()
        for box in boxes(names):
            inside = (seen > box.min) & (seen < box.max)
            assert not inside.all(1).any()  # it covers no point
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1
            assert frame.y0 <= box.y0 and box.y1 <= frame.y1
        for one, other in itertools.combinations(boxes(names), 2):
            assert not one.overlaps(other)


def result(arm, values):
    return dict(grid={}, arm=arm, seed=0, values=values)


def test_in_a_study_cmi_and_ll_have_a_panel_each_too(tmp_path):
    epochs = dict(epoch=[1, 2, 3], cmi=[0.3, 0.2, 0.1], ll=[-3.0, -2.0, -1.0])
    found = [result('MLL', dict(mll_history=epochs))]
    figure = draw('curves', Results(found), str(tmp_path / 'a.png'))
    assert [axes.get_ylabel() for axes in figure.axes] == ['CMI, nats', 'LL, nats']
    first, second = (axes.get_position() for axes in figure.axes)
    assert first.x1 < second.x0
    for axes in figure.axes:
        assert all(tick == round(tick) for tick in axes.get_xticks())


def test_ten_long_names_leave_room_for_the_matrices_of_a_study(tmp_path):
    counts = (np.eye(10) * 90 + 1).tolist()
    values = dict(confusion=dict(matrix=counts, classes=LONG, dropped=[3]))
    found = [result(arm, values) for arm in ('MLL', 'MCMI', 'TS')]
    figure = draw('confusion', Results(found), str(tmp_path / 'a.png'))
    figure.canvas.draw()
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert len(panels) == 3
    for axes in panels:
        cells = boxes([t for t in axes.texts if t.get_text()])
        side = axes.get_window_extent().width / 10
        assert max(box.width for box in cells) < side
