"""Several runs on one page: what differs is a few lines, and each chart can be read."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from drawn import assert_whole, teacher, written

from mcmi_plugin.report.command import report_runs


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
def compared(tmp_path_factory):
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
