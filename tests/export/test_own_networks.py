"""This project's networks, and a user's own, for plain mmpretrain."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from conftest import PROJECT
from made_up_runs import PREPROCESSOR, write_run
from mmengine.config import Config
from mmengine.registry import MODELS

from mcmi_plugin.errors import UserError
from mcmi_plugin.export.command import export
from mcmi_plugin.export.network_file import answers_elsewhere, in_mmpretrains_words
from mcmi_plugin.export.plain_mmpretrain import write
from mcmi_plugin.weights.file import load_checkpoint_file

CIFAR = PROJECT / 'configs/_base_/models/cifar'
ONE_OF_A_KIND = (
    *('resnet8', 'resnet8x4', 'ResNet50', 'wrn_16_1', 'vgg8'),
    *('MobileNetV2', 'ShuffleV1', 'ShuffleV2'),
)
WHERE_THIS_PROJECT_IS_NOT = """
import sys
sys.modules['mcmi_plugin'] = None
import mmpretrain, torch
images = torch.load(sys.argv[1], weights_only=True)
answers = []
for folder in sys.argv[2:]:
    model = mmpretrain.get_model(f'{folder}/student.py')
    saved = torch.load(f'{folder}/student.pth', weights_only=True)
    model.load_state_dict(saved['state_dict'])
    with torch.no_grad():
        answers.append(model.eval()(images, mode='tensor'))
torch.save(answers, sys.argv[1])
"""


def answers_of_plain_mmpretrain(folders, images, tmp_path):
    file = tmp_path / 'images.pt'
    torch.save(images, file)
    done = subprocess.run(
        [sys.executable, '-B', '-c', WHERE_THIS_PROJECT_IS_NOT, file, *folders],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return torch.load(file, weights_only=True)


def test_every_kind_of_network_of_this_project(tmp_path, monkeypatch):
    """One Python loads them all, one after the other, as a comparison would."""
    monkeypatch.setattr(  # below, for all together
        'mcmi_plugin.export.plain_mmpretrain.answers_elsewhere',
        lambda config, checkpoint, samples: [],
    )
    images = torch.randn(2, 3, 32, 32)
    files = [CIFAR / f'{name}.py' for name in ONE_OF_A_KIND]
    files.append(CIFAR.parent / 'akamaster/resnet20.py')
    expected, folders = [], []
    for file in files:
        model = Config.fromfile(file).model
        student = MODELS.build(model).eval()
        source = SimpleNamespace(
            student=student, model=model, cfg=Config(), checkpoint='epoch_1.pth',
            meta={},
        )  # fmt: skip
        folder = tmp_path / f'{file.parent.name}_{file.stem}'
        folder.mkdir()
        write(source, SimpleNamespace(batches=[], classes=[]), folder)
        folders.append(folder)
        with torch.no_grad():
            expected.append(student(images, mode='tensor'))

    found = answers_of_plain_mmpretrain(folders, images, tmp_path)
    for folder, ours, theirs in zip(folders, expected, found, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5, msg=folder.name)
    # mmpretrain has this one, and none of the others.
    assert sorted(p.name for p in (tmp_path / 'cifar_ResNet50').iterdir()) == [
        'student.pth',
        'student.py',
    ]
    assert len([f for f in folders if len([*f.iterdir()]) == 3]) == len(files) - 1


def test_mmpretrains_words_keep_what_the_config_says():
    backbone = dict(type='CIFARResNet', depth=50, shortcut='B')
    model = in_mmpretrains_words(Config(dict(m=dict(backbone=backbone))).m)
    assert model.backbone == dict(
        type='ResNet_CIFAR', depth=50, stem_channels=16, base_channels=16
    )
    for other in (dict(shortcut='A'), dict(depth=20), dict(type='CIFARVGG')):
        model = Config(dict(m=dict(backbone={**backbone, **other}))).m
        assert in_mmpretrains_words(model).backbone == {**backbone, **other}


def small_run(folder, **backbone):
    head = dict(type='LinearClsHead', num_classes=10, in_channels=64)
    model = dict(
        type='ImageClassifier',
        backbone=backbone or dict(type='CIFARResNet', depth=8),
        neck=dict(type='GlobalAveragePooling'),
        head=head,
    )
    return write_run(folder, model, data_preprocessor=PREPROCESSOR)


def test_the_export_itself_asks_a_python_without_this_project(tmp_path):
    small_run(tmp_path / 'run')
    done = export(str(tmp_path / 'run'), 'mmpretrain', out=str(tmp_path / 'out'))
    names = ['student.py', 'student.pth', 'student_resnet_cifar.py']
    assert [path.name for path in done.files] == names
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == sorted(names)
    assert done.comparison.same_class == done.comparison.num_samples == 64
    # Nothing has come into this Python's registries.
    kind = MODELS.get('mmpretrain.CIFARResNet')
    assert kind.__module__ == 'mcmi_plugin.models.resnet_cifar'


def test_a_users_network_is_imported_and_said(tmp_path, monkeypatch):
    (tmp_path / 'net_of_a_user.py').write_text("""
from mmengine.registry import MODELS
from torch import nn
@MODELS.register_module()
class NetOfAUser(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 64, 3, stride=2))
    def forward(self, x):
        return (super().forward(x),)
""")
    monkeypatch.syspath_prepend(tmp_path)
    import net_of_a_user  # noqa: F401

    small_run(tmp_path / 'run', type='NetOfAUser')
    config = tmp_path / 'run/mine.py'
    text = config.read_text()
    with pytest.raises(UserError, match='NetOfAUser of net_of_a_user.*custom_imports'):
        export(str(tmp_path / 'run'), 'mmpretrain')
    assert not (tmp_path / 'run/export').exists()
    config.write_text(f"{text}\ncustom_imports = dict(imports=['net_of_a_user'])\n")
    done = export(str(tmp_path / 'run'), 'mmpretrain')
    assert done.note.startswith('student.py imports net_of_a_user of yours')
    assert len(done.files) == 2
    MODELS._module_dict.pop('NetOfAUser')


def test_what_does_not_load_there_is_one_line(tmp_path):
    (tmp_path / 'student.py').write_text('import mcmi_plugin\nmodel = dict()\n')
    batch = dict(inputs=[torch.zeros(3, 8, 8)])
    with pytest.raises(UserError, match='without mcmi_plugin .*--format onnx') as fault:
        answers_elsewhere(
            tmp_path / 'student.py', tmp_path / 'x', SimpleNamespace(batches=[batch])
        )
    assert '\n' not in str(fault.value)


def test_the_file_says_what_the_student_is(tmp_path):
    """A teacher that is named by it is not fine-tuned twice."""
    fc = dict(fc=dict(type='ModuleOutputs', source='head.fc'))
    head = dict(type='LinearClsHead', num_classes=10, in_channels=32)
    network = dict(
        _scope_='mmpretrain', type='ImageClassifier', head=head,
        backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='GlobalAveragePooling'),
    )  # fmt: skip
    distiller = dict(
        type='ConfigurableDistiller', student_recorders=fc, teacher_recorders=fc
    )
    model = dict(
        _scope_='mmrazor', type='SingleTeacherDistill', teacher=network,
        architecture=network, distiller=distiller,
    )  # fmt: skip
    write_run(tmp_path / 'run', model, data_preprocessor=PREPROCESSOR)
    file = tmp_path / 'run/epoch_1.pth'
    saved = torch.load(file)
    made = dict(stage='mcmi', lmda=0.1, form='fixed')
    saved['meta']['mcmi_teacher'] = made
    torch.save(saved, file)
    export(str(tmp_path / 'run'), 'mmpretrain', out=str(tmp_path))
    meta = load_checkpoint_file(tmp_path / 'student.pth')['meta']
    assert meta['mcmi'] == dict(stage='student', teacher=made | dict(base={}))

    small_run(tmp_path / 'teacher', type='ResNet_CIFAR', depth=18, base_channels=8)
    file = tmp_path / 'teacher/epoch_1.pth'
    saved = torch.load(file)
    saved['meta']['mcmi'] = made
    torch.save(saved, file)
    export(str(tmp_path / 'teacher'), 'mmpretrain', out=str(tmp_path))
    assert load_checkpoint_file(tmp_path / 'student.pth')['meta']['mcmi'] == made
