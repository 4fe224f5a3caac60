"""Taps of one's own, and networks or taps that do not go together: one line each."""

from pathlib import Path

import pytest
from network_steps import (
    NUMBERS,
    OF_ANY,
    PER_STAGE,
    method_of,
    must_not_run,
    one_step,
    shipped,
)
from networks import FEW, FOUR, THREE, write_networks

from mcmi_plugin.distill import compose, network_taps
from mcmi_plugin.errors import UserError

CIFAR = 'mcmi_plugin::_base_/models/cifar/{}.py'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ('teacher', 'student', 'method', 'words'),
    [
        ('vit', 'resnet101', 'at', ['AT', 'no map, tokens [17, 192]', '[2048, 2, 2]']),
        (
            'resnet101',
            'vit',
            'vid',
            ['VID', 'no map, tokens [17, 192]', '[2048, 2, 2]'],
        ),
        ('swin', 'shufflenet', 'reviewkd', ['ReviewKD', '[192, 2, 2]', '[464, 2, 2]']),
        ('vit', 'deit', 'at', ['AT', '[17, 192]', '[18, 192]', 'pair.taps']),
        (
            'shufflenet',
            'mine',
            'reviewkd',
            [
                "'teacher.preact_levels.0'",
                'pair.taps.teacher',
                '[464, 2, 2]',
                '[32, 4, 4]',
            ],
        ),
        ('resnet101', 'mine', 'hsakd', ['HSAKD', 'the teacher has 4']),
    ],
)
def test_what_does_not_fit_is_one_line_with_both_shapes(
    teacher, student, method, words, folder
):
    paths = write_networks(folder, FOUR | THREE | FEW)
    pair = dict(NUMBERS, teacher=paths[teacher], student=paths[student])
    with pytest.raises(UserError) as caught:
        compose(pair, shipped(method))
    message = str(caught.value)
    assert '\n' not in message
    for word in words:
        assert word in message


def test_taps_of_ones_own_go_first(folder):
    paths = write_networks(folder, FOUR | THREE)
    blocks = [
        dict(type='ModuleInputs', source='relu', record_idx=i, data_idx=0)
        for i in (0, 1, 2)
    ]
    pair = dict(NUMBERS, teacher=paths['resnet101'], student=paths['mine'])
    pair['taps'] = dict(
        teacher=dict(stages=[f'backbone.layer{i}' for i in (2, 3, 4)]),
        student=dict(preact=blocks[::-1]),
    )
    model = compose(pair, method_of('reviewkd', 'at'))
    teacher = model['distiller']['teacher_recorders']
    assert teacher['stages_0']['source'] == 'backbone.layer2'
    assert teacher['preact_levels_0']['source'] == 'backbone.layer2.3.relu'
    assert model['distiller']['distill_losses']['loss_reviewkd']['out_channels'] == [
        512,
        1024,
        2048,
        2048,
    ]
    one_step(model)
    pair['taps'] = dict(
        student=dict(pooled=dict(type='ModuleInputs', source='classify', data_idx=0))
    )
    assert (
        compose(pair, method_of('pkt', 'cc'))['distiller']['connectors'][
            'cc_embed_student'
        ]['module_args']['in_features']
        == 32
    )


def test_all_said_needs_no_run(folder, monkeypatch):
    monkeypatch.setattr(network_taps, 'see', must_not_run)
    pair = dict(NUMBERS, teacher=CIFAR.format('resnet20'))
    pair['student'] = write_networks(folder, THREE)['mine']
    said = dict(
        logits='classify',
        pooled=dict(type='ModuleInputs', source='classify', data_idx=0),
        stages=['blocks.0', 'blocks.1', 'blocks.2'],
        preact=['blocks.0', 'blocks.1', 'blocks.2'],
        labels=dict(type='ModuleInputs', source='criterion', data_idx=1),
        channels=[16, 24, 32],
        pooled_channels=32,
    )
    pair['taps'] = dict(student=said)
    composed = compose(pair, method_of(*PER_STAGE, *OF_ANY))
    recorders = composed['distiller']['student_recorders'].values()
    assert {'classify', 'blocks.0', 'blocks.1', 'blocks.2'} <= {
        recorder['source'] for recorder in recorders
    }
    one_step(composed, 32)


@pytest.mark.parametrize(
    ('taps', 'words'),
    [
        (dict(studnet={}), ['pair.taps.studnet', 'student']),
        (dict(student=dict(stage=['a'])), ['pair.taps.student.stage', 'stages']),
        (dict(student=dict(stages='blocks.0')), ['pair.taps.student.stages', 'a list']),
        (
            dict(student=dict(stages=['block.0'])),
            ['pair.taps.student.stages', "'block.0'", 'blocks.0'],
        ),
        (
            dict(student=dict(preact=[dict(source='relu', record_idx=3)])),
            ['pair.taps.student.preact', '3 calls', "'relu'"],
        ),
        (
            dict(student=dict(pooled=dict(type='ModuleInputs', source='classify'))),
            ['pair.taps.student.pooled', 'data_idx'],
        ),
    ],
)
def test_taps_that_do_not_exist(taps, words, folder):
    pair = dict(NUMBERS, teacher=CIFAR.format('resnet20'), taps=taps)
    pair['student'] = write_networks(folder, THREE)['mine']
    with pytest.raises(UserError) as caught:
        compose(pair, method_of('pkt'))
    for word in words:
        assert word in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_network_that_cannot_be_built_or_run(folder):
    pair = dict(NUMBERS, teacher=CIFAR.format('resnet20'))
    pair['student'] = str(folder / 'mine.py')
    (folder / 'mine.py').write_text("model = dict(type='Nowhere')\n")
    with pytest.raises(
        UserError,
        match=r'pair.student: .*mine.py cannot be built .*Nowhere.*custom_imports',
    ):
        compose({k: v for k, v in pair.items() if k != 'num_classes'}, method_of('pkt'))
    path = write_networks(folder, FOUR)['convnext']
    text = Path(path).read_text().replace('in_channels=32', 'in_channels=33')
    Path(path).write_text(text)
    with pytest.raises(
        UserError, match=r'pair.student: .*convnext.py .*pair.input_shape'
    ):
        compose(dict(pair, student=path), method_of('pkt'))
    (folder / 'empty.py').write_text('a = 1\n')
    with pytest.raises(
        UserError, match=r'pair.student: model is not set in .*empty.py'
    ):
        compose(dict(pair, student=str(folder / 'empty.py')), method_of('pkt'))


def test_image_of_ones_own_size(folder):
    path = write_networks(folder, FOUR)['convnext']
    pair = dict(NUMBERS, teacher=path, student=path, input_shape=(3, 96, 96))
    pair['taps'] = dict(student=dict(stages=['backbone.stages.3']))
    with pytest.raises(UserError, match=r'\[32, 3, 3\].*those are \[32, 3, 3\]'):
        compose(pair, shipped('at'))
