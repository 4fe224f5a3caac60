"""The command, by itself: what it writes, what it prints, what it refuses."""

import json

import pytest
import torch
import torchvision
from imagenet_folder import CLASSES, overrides, write_folder
from PIL import Image
from small_teacher import write_teacher

TOOL = 'audit_teacher.py'
OTHER_NETWORK = '--cfg-options model.backbone.widths=192,8 model.head.in_channels=8'
NINE = '--cfg-options model.head.num_classes=9'
NO_FOLDER = (
    '--cfg-options train_dataloader.dataset._delete_=True '
    'train_dataloader.dataset.type=ImageNet train_dataloader.dataset.data_root=nowhere '
    'train_dataloader.dataset.split=train'
)
NOT_A_CLASSIFIER = """
_base_ = ['mlp.py']
model = dict(
    _delete_=True, type='ImageToImageRetriever', image_encoder=[], prototype='x')
"""
BAD = {
    'no checkpoint': ('mlp.py none.pth', ['none.pth', 'no such checkpoint file']),
    'another architecture': (
        f'mlp.py mlp.pth {OTHER_NETWORK}',
        ['checkpoint: ', 'mlp.pth has backbone.layers.0.weight (16, 192), not (8, 192'],
    ),
    'foreign weights': ('mlp.py foreign.pth', ['4 missing', 'foreign.pth']),
    'no checkpoint at all': ('mlp.py mlp.py', ['mlp.py: is not a checkpoint']),
    'another number of classes in the file': (
        f'mlp.py mlp.pth {NINE}',
        ['10 classes in the file, 9 in the config', 'set model.head.num_classes'],
    ),
    'another number of classes in the data': (
        f'mlp.py nine.pth {NINE}',
        ['label 9 is not in [0, 9)', "the head's num_classes"],
    ),
    'no classifier': (
        'retriever.py mlp.pth',
        ['retriever.py: model is a', 'classifier'],
    ),
    'no model': ('data.py mlp.pth', ['model is not set']),
    'no data': (
        f'mlp.py mlp.pth {NO_FOLDER}',
        ['nowhere', 'train_dataloader.dataset.data_root=DIR'],
    ),
    'no training set': (
        'mlp.py mlp.pth --cfg-options train_dataloader=None',
        ['train_dataloader is not set'],
    ),
    'a file as folder': (
        'mlp.py mlp.pth --work-dir mlp.py/here',
        ['--work-dir mlp.py/here', 'mlp.py is no folder'],
    ),
}


@pytest.fixture
def folder(tmp_path, project):
    inputs = write_teacher(tmp_path, project)
    nine = dict(inputs.state)
    for name in ('head.fc.weight', 'head.fc.bias'):
        nine[name] = nine[name][:9]
    torch.save(nine, tmp_path / 'nine.pth')
    foreign = {f'{name}_of_another': value for name, value in nine.items()}
    torch.save(foreign, tmp_path / 'foreign.pth')
    (tmp_path / 'retriever.py').write_text(NOT_A_CLASSIFIER)
    data = f'{project}/configs/_base_/datasets/digits.py'
    (tmp_path / 'data.py').write_text(f'_base_ = [{data!r}]\n')
    return tmp_path


@pytest.mark.parametrize(('words', 'said'), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_writes_nothing(words, said, folder, command):
    before = sorted(folder.rglob('*'))
    done = command(TOOL, *words.split(), ok=False)

    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    for word in said:
        assert word in line, line
    assert 'Traceback' not in done.stderr
    assert sorted(folder.rglob('*')) == before


def test_an_audit_from_end_to_end(folder, command):
    done = command(TOOL, 'mlp.py', 'mlp.pth')

    written = folder / 'work_dirs/audit/mlp-mlp'
    found = json.loads((written / 'audit.json').read_text())
    figures = found['train']
    for value in (f'{figures["cmi"]:.4f}', f'{found["lambda"]["flip"]:.3g}'):
        assert value in done.stdout
        assert value in (written / 'audit.html').read_text()
    assert 'training set' in done.stdout
    assert '1797 of 1797 samples' in done.stdout  # plain lines, no bar
    for sentence in found['reading']:
        assert f'- {sentence}\n' in done.stdout
    assert len(found['classes']) == 10
    assert found['command'].endswith('audit_teacher.py mlp.py mlp.pth')
    for name in ('temperature.png', 'reliability.png'):
        assert Image.open(written / name).size == (800, 520)
    assert sorted(path.name for path in written.iterdir()) == [
        'audit.html', 'audit.json', 'reliability.png', 'temperature.png',
    ]  # fmt: skip


def test_class_names_that_are_markup(folder, command):
    """A folder of pictures may be called anything."""
    names = [f'[/c{i}] <b>' for i in range(10)]
    config = folder / 'named.py'
    lines = [
        f'{split}_dataloader = dict(dataset=dict(metainfo=dict(classes={names})))'
        for split in ('train', 'val')
    ]
    config.write_text('\n'.join(["_base_ = ['mlp.py']", *lines]))
    done = command(TOOL, config, 'mlp.pth', '--work-dir', 'out')
    assert names[3] in done.stdout
    html = (folder / 'out/audit.html').read_text()
    assert '[/c3] &lt;b&gt;' in html
    assert '<b>' not in html


def test_a_torchvision_teacher_of_a_stock_config(command, tmp_path):
    write_folder(tmp_path / 'pictures')
    torch.manual_seed(0)
    state = torchvision.models.resnet18(num_classes=4).state_dict()
    torch.save(state, tmp_path / 'resnet18.pth')
    config = tmp_path / 'stock.py'
    config.write_text("_base_ = ['mmpretrain::resnet/resnet18_8xb32_in1k.py']\n")
    options = [o for o in overrides('pictures') if o.split('_')[0] in ('train', 'val')]
    done = command(
        TOOL, config, 'resnet18.pth',
        *('--cfg-options', 'model.head.num_classes=4', *options),
    )  # fmt: skip
    found = json.loads(
        (tmp_path / 'work_dirs/audit/stock-resnet18/audit.json').read_text()
    )
    assert found['train']['num_samples'] == 9
    assert [one['samples'] for one in found['classes']] == [3, 2, 2, 2]
    assert {one['name'] for one in found['classes']} == set(CLASSES)
    assert 'emu' in done.stdout
    assert 'check that data_preprocessor' in done.stdout  # its weights are random


def test_the_teacher_in_a_distillation(quickstart, command, tmp_path, project):
    """The quick start's, from its own file and from its student's checkpoint."""
    config = project / 'configs/mcmi/quickstart_digits.py'
    (alone,) = quickstart.teachers.glob('*-mcmi-lmda0.25-*/teacher.pth')
    for checkpoint in (alone, quickstart.work_dir / 'epoch_20.pth'):
        command(TOOL, config, checkpoint, '--work-dir', checkpoint.stem)
    first, second = (
        json.loads((tmp_path / stem / 'audit.json').read_text())
        for stem in ('teacher', 'epoch_20')
    )
    assert first['made']['lmda'] == 0.25
    assert first['weights'] == second['weights']
    assert first['train'] == second['train']
    rows = json.loads((quickstart.work_dir / 'mcmi/summary.json').read_text())
    (mcmi,) = [row for row in rows if row['model'] == 'teacher, MCMI']
    assert first['val']['accuracy'] == pytest.approx(mcmi['accuracy'])
    assert first['train']['cmi'] == pytest.approx(mcmi['cmi'], rel=1e-5)
    assert first['train']['ll'] == pytest.approx(mcmi['ll'], rel=1e-5)
