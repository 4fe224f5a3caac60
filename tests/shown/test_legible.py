"""What is drawn can be read: no label covered or cut, and nothing left to guess."""

import contextlib
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmengine.logging import MessageHub

from mcmi_plugin.evaluation.predictions import Predictions
from mcmi_plugin.report.command import report_runs
from mcmi_plugin.report.spaces import output_space
from mcmi_plugin.study.figures import draw
from mcmi_plugin.study.results import Results
from mcmi_plugin.teacher.summary import write_summary

LONG = [
    'ankle boot', 'button-down shirt', 'sandal with heel', 'automobile',
    'evening dress', 'pullover', 'pair of trousers', 'long winter coat', 'aeroplane',
    'shoulder bag',
]  # fmt: skip


@pytest.fixture(scope='module')
def written():
    """``with written() as figures:`` every figure that is written, as it then was."""

    @contextlib.contextmanager
    def noted():
        figures, save = [], Figure.savefig

        def note(self, *args, **kwargs):
            save(self, *args, **kwargs)
            self.canvas.draw()  # at its own size again
            figures.append(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Figure, 'savefig', note)
            yield figures

    return noted


def boxes(artists):
    return [artist.get_window_extent() for artist in artists]


def history(cmi, ll, epochs=5):
    return [dict(epoch=i, cmi=cmi / i, ll=ll / i) for i in range(1, epochs + 1)]


def teacher(cmi, ll):
    """``meta['mcmi']``: its likelihood training, its fine-tune, and both ends."""
    before, after = ({'train': dict(cmi=cmi / k, ll=ll / k)} for k in (2, 3))
    return dict(
        lmda=0.2, before=before, after=after, history=history(cmi, ll),
        base=dict(source='r34.pth', history=history(1.0, -2.0)),
    )  # fmt: skip


@pytest.fixture(scope='module')
def curves(written, tmp_path_factory):
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


def assert_whole(figure):
    """No part of it lies outside of it; in inches."""
    drawn = figure.get_tightbbox()
    assert drawn.x0 >= -0.01 and drawn.x1 <= figure.get_figwidth() + 0.01
    assert drawn.y0 >= -0.01 and drawn.y1 <= figure.get_figheight() + 0.01


def test_nothing_is_cut_off(curves):
    assert_whole(curves)


def outputs(sharpness, seed):
    """Of 120 samples of ten classes, most of them right."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(120) % 10
    noise = torch.randn(120, 10, generator=random)
    logits = torch.eye(10)[labels] * sharpness + noise
    return Predictions(logits, labels, LONG)


def test_in_the_output_space_names_stand_beside_their_points(written):
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


def run_dir(folder, method, losses, mcmi, loss):
    """A work dir of a student, as a training leaves it."""
    vis = folder / '20260101_000000/vis_data'
    vis.mkdir(parents=True)
    recorders = {f'{name}_recorder': dict(type='ModuleOutputs') for name in losses}
    model = dict(
        type='mmrazor.SingleTeacherDistill',
        architecture=dict(backbone=dict(type='ResNet', depth=18)),
        teacher=dict(backbone=dict(type='ResNet', depth=34)),
        distiller=dict(
            type='ConfigurableDistiller',
            student_recorders=recorders,
            teacher_recorders=recorders,
            distill_losses=losses,
            loss_forward_mappings={
                name: dict(x=dict(recorder=name)) for name in losses
            },
        ),
    )
    told = dict(name=method, losses=losses)
    optimizer = dict(type='SGD', lr=0.1)
    config = dict(
        model=model, method=told, train_cfg=dict(max_epochs=2),
        optim_wrapper=dict(optimizer=optimizer),
        custom_hooks=[dict(type='RandomStateHook'), *(
            [dict(type='LossWarmupHook', epochs=3)] if method == 'DKD' else [])],
    )  # fmt: skip
    (vis / 'config.py').write_text('\n'.join(f'{k} = {v!r}' for k, v in config.items()))
    rates = (0.4, 0.025)  # scaled from the config's
    records = [
        dict(lr=lr, loss=loss / i, time=0.5, epoch=i, iter=50 * i, step=50 * i)
        for i, lr in enumerate(rates, start=1)
    ]
    records.append({'accuracy/top1': 70.0, 'step': 2})
    (vis / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    record = dict(
        timestamp='20260101_000000', processes=1, device='cpu', versions={},
        seconds=3723.0, parameters=dict(student=11_689_512, teacher=21_797_672),
        teacher=dict(file='t.pth', mcmi=mcmi, control=None),
    )  # fmt: skip
    (folder / 'report.json').write_text(json.dumps(record))
    return folder


@pytest.fixture(scope='module')
def compared(written, tmp_path_factory):
    """The page of three methods with one teacher, and its charts."""
    around = tmp_path_factory.mktemp('compared')
    mcmi = dict(teacher(0.03, -0.02), fingerprint='f')
    kd = dict(loss_kd=dict(type='KLDivergence', tau=4))
    dkd = dict(loss_dkd=dict(type='DKDLoss', beta=2.0))
    at = {f'loss_at_{i}': dict(type='PooledATLoss') for i in range(3)}
    folders = [
        run_dir(around / name.lower(), name, losses, mcmi, loss)
        for name, losses, loss in (
            ('KD', kd, 2.0),
            ('DKD', dkd, 0.5),
            ('AT', at, 900.0),
        )
    ]
    with written() as figures:
        path, _ = report_runs(folders)
    text = re.sub(r'data:image/png;base64,[^"]*', 'PNG', Path(path).read_text())
    return SimpleNamespace(text=text, figures=figures)


def rows_of(text, caption):
    """{first cell: the others} of the table under a caption."""
    (table,) = re.findall(rf'<figcaption>{caption}.*?</table>', text, re.DOTALL)
    return {
        name: re.findall(r'<td[^>]*>(.*?)</td>', rest)
        for name, rest in re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*)', table)
    }


def test_runs_are_compared_with_their_methods(compared):
    runs = rows_of(compared.text, 'One row a run')
    assert [runs[name][0] for name in ('kd', 'dkd', 'at')] == ['KD', 'DKD', 'AT']


def test_what_differs_is_a_few_lines_that_can_be_read(compared):
    rows = rows_of(compared.text, 'Keys of the config')
    assert rows['method'] == [
        'KD: KLDivergence(tau=4)', 'DKD: DKDLoss(beta=2.0)', 'AT: 3 x PooledATLoss'
    ]  # fmt: skip
    # What follows from the method is not said again, nor what all have.
    assert set(rows) == {'method', 'hooks'}
    assert rows['hooks'] == ['none', 'LossWarmupHook(epochs=3)', 'none']
    assert not re.search('[{}]|recorder', ''.join(sum(rows.values(), [])))


def test_losses_of_different_methods_are_not_on_one_axis(compared):
    losses = [
        [line.get_label() for line in figure.axes[0].get_lines()]
        for figure in compared.figures
        if figure.axes[0].get_ylabel() == 'training loss'
    ]
    assert losses[:3] == [['kd'], ['dkd'], ['at']]
    assert all(len(lines) == 1 for lines in losses)


def test_a_teacher_that_several_share_is_one_line(compared):
    (panel, *_) = (
        figure.axes[0]
        for figure in compared.figures
        if figure.axes[0].get_xlabel() == 'epoch of the fine-tune'
    )
    assert [line.get_label() for line in panel.get_lines()] == ['kd, dkd, at']


def test_parameters_time_and_the_rate_that_was_used(compared):
    costs = rows_of(compared.text, 'What each run cost')
    assert costs['kd'] == [
        'ResNet34 (21,797,672)', 'ResNet18 (11,689,512)', '0.4, last 0.025',
        '50\u00a0s', '1\u00a0h\u00a02\u00a0min',
    ]  # fmt: skip
    alone = compared.text
    assert '<dt>Student parameters</dt><dd class="value">11,689,512</dd>' in alone
    assert '<dt>Training time</dt><dd class="value">50\u00a0s</dd>' in alone
    assert '50\u00a0s in 100 training steps, 0.5 s each' in alone


def test_no_label_of_a_chart_is_cut_off(compared):
    for figure in compared.figures:
        assert_whole(figure)


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
