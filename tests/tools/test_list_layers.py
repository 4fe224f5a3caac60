"""``tools/list_layers.py``: what recorders may name, and what they would hold."""

import pytest
import torch
from conftest import PROJECT, QUICKSTART
from mmengine.config import Config
from mmengine.utils import get_installed_path
from mmpretrain.structures import DataSample
from mmrazor.models.task_modules import RecorderManager
from torch import nn

from mcmi_plugin.checks.sources import check_sources
from mcmi_plugin.distill.input_shape import input_shape
from mcmi_plugin.distill.layer_table import layer_table
from mcmi_plugin.distill.layers import build_sides, layers_of, parameters_of
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config

STOCK = get_installed_path('mmrazor') + '/.mim/configs/distill/mmcls'


@pytest.fixture(scope='module')
def quickstart_config():
    return job_config(str(QUICKSTART), {})


def rows_of(text):
    """{source: cells} of a printed table."""
    lines = [line for line in text.splitlines() if line.startswith('│')]
    cells = [[cell.strip() for cell in line.strip('│').split('│')] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_teacher_and_student_stand_side_by_side(command):
    done = command('list_layers.py', QUICKSTART)
    rows = rows_of(done.stdout)
    # Widths 8 and 16, stages at strides 1, 2, 4 and 8 of 8 x 8 pixels.
    layer = 'ResLayer'
    student = [layer, '[B, 32, 2, 2]', '33,088']
    assert rows['backbone.layer3'] == [*student, layer, '[B, 64, 2, 2]', '131,712']
    linear = ['Linear', '[B, 10]', '650', 'Linear', '[B, 10]', '1,290']
    assert rows['head.fc'] == linear
    assert 'one sample is [3, 8, 8]' in done.stdout
    assert 'backbone.layer3.0' not in rows
    deepest = done.stdout.partition('--depth ')[2].split()[0]
    done = command('list_layers.py', QUICKSTART, '--depth', deepest)
    assert '--depth' not in done.stdout
    networks = build_sides(Config.fromfile(QUICKSTART))
    names = {name for n in networks.values() for name, _ in n.named_modules() if name}
    assert set(rows_of(done.stdout)) - {"'' (all of it)"} == names


@pytest.mark.parametrize('side', ['student', 'teacher'])
def test_the_shapes_are_those_that_recorders_hold(side, quickstart_config):
    network = build_sides(quickstart_config)[side]
    layers, note = layers_of(network, (3, 8, 8))
    assert not note
    recorders = {}
    for kind in ('ModuleOutputs', 'ModuleInputs'):
        for i, layer in enumerate(layers):
            recorders[f'{kind}{i}'] = dict(type=kind, source=layer.name)
    manager = RecorderManager(recorders)
    manager.initialize(network)
    samples = [DataSample().set_gt_label(0) for _ in range(5)]
    with manager, torch.no_grad():
        network(torch.randn(5, 3, 8, 8), samples, mode='loss')
    for i, layer in enumerate(layers):
        held = manager.get_recorder(f'ModuleOutputs{i}').data_buffer
        assert len(held) == len(layer.outputs) == len(layer.inputs), layer.name
        for record, text in zip(held, layer.outputs, strict=True):
            if isinstance(record, torch.Tensor) and record.ndim:
                sizes = ', '.join(map(str, record.shape[1:]))
                assert text == f'[B, {sizes}]', layer.name
            elif isinstance(record, tuple):  # data_idx reaches what is listed
                sizes = ', '.join(map(str, record[0].shape[1:]))
                assert text == f'0: [B, {sizes}]', layer.name
    by_name = {layer.name: i for i, layer in enumerate(layers)}
    loss = manager.get_recorder(f'ModuleInputs{by_name["head.loss_module"]}')
    label = loss.get_record_data(data_idx=1)
    assert label.shape == (5,)
    assert layers[by_name['head.loss_module']].inputs == ['0: [B, 10], 1: [B]']
    width = 8 if side == 'student' else 16
    relu = layers[by_name['backbone.layer1.0.relu']]
    assert relu.outputs == [f'[B, {width}, 8, 8]'] * 2


def test_what_is_changed_in_place_is_marked(quickstart_config):
    """A record that differs from what the module has returned, and no other."""
    network = build_sides(quickstart_config)['student']
    layers, _ = layers_of(network, (3, 8, 8))
    held, returned = {}, {}
    for name, module in network.named_modules():

        def keep(module, inputs, output, name=name):
            if isinstance(output, torch.Tensor):
                held.setdefault(name, []).append(output)
                returned.setdefault(name, []).append(output.clone())

        module.register_forward_hook(keep)
    with torch.no_grad():
        network(torch.randn(4, 3, 8, 8), mode='tensor')
    changed = {
        name
        for name, tensors in held.items()
        for now, then in zip(tensors, returned[name], strict=True)
        if not now.equal(then)
    }
    assert {layer.name for layer in layers if layer.overwritten} == changed
    assert 'backbone.layer1.0.bn2' in changed


def test_parameters_and_inputs(command):
    rows = rows_of(command('list_layers.py', QUICKSTART, '--kind', 'Parameter').stdout)
    assert rows['head.fc.weight'][:3] == ['Linear', '[10, 64]', '640']
    rows = rows_of(
        command('list_layers.py', QUICKSTART, '--kind', 'ModuleInputs').stdout
    )
    assert rows['head.fc'][1] == '0: [B, 64]'
    assert rows['head'][1] == '0: (0: [B, 64])'


def test_a_stock_config_without_data(command):
    done = command('list_layers.py', f'{STOCK}/byot/byot_resnet18_8xb16_cifar100.py')
    rows = rows_of(done.stdout)
    assert rows['backbone.layer4'] == ['ResLayer', '[B, 512, 4, 4]', '8,393,728']
    assert 'teacher' not in done.stdout  # it is its own


@pytest.mark.parametrize(
    ('config', 'shape'),
    [
        (f'{STOCK}/kd/kd_logits_resnet34_resnet18_8xb32_in1k.py', (3, 224, 224)),
        (f'{STOCK}/crd/crd_neck_r50_r18_8xb16_cifar10.py', (3, 32, 32)),
        (PROJECT / 'configs/distill/r56_r20_kd.py', (3, 32, 32)),
        (PROJECT / 'configs/study/_base_/synthetic_kd.py', (30,)),
    ],
)
def test_the_size_is_known_without_the_pictures(config, shape):
    assert input_shape(job_config(str(config), {})) == shape


def test_rotations_and_auxiliary_classifiers(command):
    config = PROJECT / 'configs/distill/r56_r20_hsakd.py'
    rows = rows_of(command('list_layers.py', config).stdout)
    assert rows['head.fc'][1] == '[4B, 100]'
    assert rows['auxiliary.0'][1] == '[4B, 400]'


def test_wrong_words(command, quickstart_config, tmp_path):
    def error(*words):
        done = command('list_layers.py', *words, ok=False)
        assert done.returncode == 2 and 'Traceback' not in done.stderr
        return done.stderr

    assert 'did you mean ModuleOutputs?' in error(QUICKSTART, '--kind', 'ModuleOutput')
    assert '--shape' in error(QUICKSTART, '--shape', '3,x')
    line = error(QUICKSTART, '--shape', '3,0,2')
    assert '--shape' in line
    line = error(QUICKSTART, '--shape', '1,8,8')
    assert 'the student does not take pictures of [1, 8, 8]' in line
    path = tmp_path / 'folder.py'
    path.write_text(
        f'_base_ = [{str(QUICKSTART)!r}]\n'
        "train_dataloader = dict(dataset=dict(_delete_=True, type='ImageNet',"
        "data_root='nowhere', pipeline=[dict(type='PackInputs')]))\n"
    )
    assert 'give it: --shape 3,224,224' in error(path)
    command('list_layers.py', path, '--shape', '3,8,8')


@pytest.mark.parametrize(
    ('recorder', 'key', 'said'),
    [
        (
            dict(type='ModuleOutputs', source='backbone.layer5'),
            'model.distiller.student_recorders.fc.source',
            "the student has no module 'backbone.layer5'; closest: backbone.layer4 "
            '[B, 64, 1, 1], backbone.layer3 [B, 32, 2, 2], ',
        ),
        (
            dict(type='ModuleInputs', source='head.loss_modul'),
            'model.distiller.student_recorders.fc.source',
            'closest: head.loss_module 0: [B, 10], 1: [B]',
        ),
        (
            dict(type='Parameter', source='head.fc.weights'),
            'model.distiller.student_recorders.fc.source',
            "the student has no parameter 'head.fc.weights'; closest: head.fc.weight "
            '[10, 64]',
        ),
    ],
)
def test_a_wrong_source_lists_the_valid_ones_with_shapes(recorder, key, said, tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(
        f'_base_ = [{str(QUICKSTART)!r}]\n'
        f'model = dict(distiller=dict(student_recorders=dict(fc={recorder})))\n'
    )
    cfg = job_config(str(path), {})
    with pytest.raises(UserError) as caught:
        check_sources(cfg)
    line = str(caught.value)
    assert line.startswith(f'{key}: ')
    assert said in line
    assert line.endswith(f'python tools/list_layers.py {path}')
    assert '\n' not in line


def test_a_wrong_source_is_named_even_where_no_shape_is_known(quickstart_config):
    cfg = quickstart_config.copy()
    cfg.model.distiller.student_recorders.fc.source = 'head.fcc'
    cfg.train_dataloader = cfg.val_dataloader = None
    with pytest.raises(UserError, match=r"no module 'head.fcc'; closest: head.fc, "):
        check_sources(cfg)


def test_sources_of_a_student_that_is_its_own_teacher():
    cfg = job_config(f'{STOCK}/byot/byot_resnet18_8xb16_cifar100.py', {})
    check_sources(cfg)
    cfg.model.distiller.teacher_recorders.neck_gap.source = 'neck.gab'
    with pytest.raises(UserError, match=r'teacher_recorders.neck_gap.*neck.gap \[B'):
        check_sources(cfg)


def test_a_loss_that_wants_other_labels_is_said(quickstart_config):
    class Wants(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 3)

        def forward(self, inputs, data_samples=None, mode='tensor'):
            if mode == 'loss':
                self.fc(inputs)
                raise KeyError('gt_score')
            return self.fc(inputs)

    layers, note = layers_of(Wants(), (2,))
    assert 'gt_score' in note
    assert layers[1].outputs == ['[B, 3]']  # once, not twice
    assert [p.name for p in parameters_of(Wants())] == ['fc.weight', 'fc.bias']


def test_the_table_of_one_network():
    cfg = job_config(str(PROJECT / 'configs/distill/resnet20.py'), {})
    table, _ = layer_table(cfg, shape=(3, 8, 8))
    assert [column.header for column in table.columns] == [
        *('source', 'model', 'puts out', 'parameters')
    ]
