"""Wrong input by the real command: one line that names the fault and the remedy."""

import pytest
import torch
import torchvision
from imagenet_folder import overrides, write_folder


class RunsCode:
    def __reduce__(self):
        return (open, ('proof_that_code_ran', 'w'))


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    """Good pictures and a good teacher, and bad ones of each kind."""
    folder = tmp_path_factory.mktemp('inputs')
    write_folder(folder / 'good')
    write_folder(folder / 'no_emu')
    for picture in (folder / 'no_emu/train/emu').glob('*.jpg'):
        picture.unlink()
    (folder / 'empty/train').mkdir(parents=True)
    (folder / 'no_train').mkdir()
    (folder / 'file').write_text('no folder')
    good = torchvision.models.resnet34(num_classes=4).state_dict()
    short = dict(list(good.items())[10:])
    teachers = dict(
        good=good,
        missing=short,
        foreign={f'encoder.{k}': v for k, v in good.items()},
        extra={**good, 'extra.weight': torch.zeros(1)},
        five_classes=torchvision.models.resnet34(num_classes=5).state_dict(),
        three_classes=torchvision.models.resnet34(num_classes=3).state_dict(),
        nan={**good, 'fc.bias': torch.full((4,), torch.nan)},
        runs_code={'state_dict': good, 'meta': RunsCode()},
    )
    for name, state in teachers.items():
        torch.save(state, folder / f'{name}.pth')
    (folder / 'text.pth').write_text('this is no checkpoint')
    whole = (folder / 'good.pth').read_bytes()
    (folder / 'cut.pth').write_bytes(whole[: len(whole) // 2])
    return folder


TEACHER = 'model.teacher_ckpt={inputs}/'
DATA = 'train_dataloader.dataset.data_root={inputs}/'
# name: (override, words that the one line must hold)
ROWS = {
    'foreign keys': (TEACHER + 'foreign.pth', ['model.teacher_ckpt', 'foreign.pth']),
    'foreign keys, no mcmi': (
        'mcmi=None ' + TEACHER + 'foreign.pth',
        ['model.teacher_ckpt', 'foreign.pth', 'does not fit'],
    ),
    'missing keys': (TEACHER + 'missing.pth', ['missing.pth', '9 missing']),
    'extra keys': (TEACHER + 'extra.pth', ['1 foreign (backbone.extra.weight)']),
    'number of classes': (
        TEACHER + 'five_classes.pth',
        ['5 classes in the file, 4 in the config', 'model.teacher.head.num_classes'],
    ),
    'runs code': (TEACHER + 'runs_code.pth', ['runs_code.pth', 'could run code']),
    'text': (TEACHER + 'text.pth', ['text.pth', 'is not a checkpoint']),
    'cut short': (TEACHER + 'cut.pth', ['cut.pth', 'cut short']),
    'no such file': (TEACHER + 'none.pth', ['none.pth', 'model.teacher_ckpt=PATH']),
    'unknown name': (
        'model.teacher_ckpt=torchvision://resnet35',
        ['resnet35', 'model.teacher_ckpt=PATH'],
    ),
    'NaN logits': (TEACHER + 'nan.pth', ['NaN', 'check the checkpoint']),
    'no teacher': ('model.teacher_ckpt=None', ['teacher_ckpt', 'mcmi.mll_epochs']),
    'no teacher, no mcmi': (
        'model.teacher_ckpt=None mcmi=None',
        ['model.teacher_ckpt', 'random'],
    ),
    'class without a sample': (DATA + 'no_emu', ['emu (2)', 'centroid']),
    'label out of range': (
        'model.teacher.head.num_classes=3 ' + TEACHER + 'three_classes.pth',
        ['label 3 is not in [0, 3)', 'num_classes'],
    ),
    'no data': (DATA + 'nowhere', ['nowhere', 'train_dataloader.dataset.data_root=']),
    'no train folder': (DATA + 'no_train', ['no_train/train', 'data_root=']),
    'empty data': (DATA + 'empty', ['empty/train is empty', 'data_root=']),
    'data is a file': (DATA + 'file', ['file', 'train_dataloader.dataset.data_root=']),
    'class folders': (
        'train_dataloader.dataset.metainfo.classes=cat,dog',
        ['4 class folders', 'not 2', 'train_dataloader.dataset.metainfo.classes='],
    ),
    'lmda negative': ('mcmi.lmda=-0.1', ['mcmi.lmda=-0.1', '0 or more']),
    'lmda infinite': ('mcmi.lmda=inf', ['mcmi.lmda=inf', 'finite']),
    'lmda no number': ('mcmi.lmda=high', ["mcmi.lmda='high'", 'finite number']),
    'epochs': ('mcmi.epochs=0', ['mcmi.epochs=0', 'from 1 on']),
    'misspelt option': ('mcmi.lambda=0.1', ['mcmi.lambda', 'mcmi.lmda']),
    'unknown choice': ('mcmi.on_cliff=jump', ['mcmi.on_cliff', 'warn, stop']),
    'trainable teacher': (
        'model.teacher_trainable=True',
        ['model.teacher_trainable', 'False'],
    ),
    'recorder source': (
        'model.distiller.student_recorders.fc.source=head.fk',
        ['model.distiller.student_recorders.fc.source', "'head.fk'", 'head.fc'],
    ),
    'composed already': ('pair.dkd_beta=3', ['pair.dkd_beta', 'model']),
    'work dir': ('--work-dir {inputs}/file/run', ['work_dir', '--work-dir DIR']),
    'teacher dir': ('mcmi.teacher_dir={inputs}/file/t', ['mcmi.teacher_dir']),
    'teacher config': ('mcmi.teacher_config=none.py', ['mcmi.teacher_config']),
}


@pytest.mark.parametrize('name', ROWS)
def test_wrong_input_is_one_line(name, inputs, command, tmp_path, project):
    override, words = ROWS[name]
    override = override.format(inputs=inputs).split()
    flags = ['--work-dir', 'run']
    if override[0].startswith('--'):
        flags, override = override, []
    options = [
        *overrides(inputs / 'good'), f'model.teacher_ckpt={inputs}/good.pth',
        'mcmi.epochs=1', *override,
    ]  # fmt: skip
    config = project / 'configs/mcmi/r34_r18_imagenet.py'

    done = command('train.py', config, *flags, '--cfg-options', *options, ok=False)

    assert done.returncode == 2, done.stdout[-2000:] + done.stderr[-2000:]
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    for word in words:
        assert word in line, line
    assert 'Traceback' not in done.stderr
    left = [p for p in tmp_path.rglob('*') if p.suffix in ('.pth', '.tmp')]
    assert not left  # nothing half-written
    assert not (tmp_path / 'proof_that_code_ran').exists()


def test_without_a_network_one_line_says_where_to_put_the_file(
    inputs, command, tmp_path, project
):
    done = command(
        'train.py', project / 'configs/mcmi/r34_r18_imagenet.py',
        '--cfg-options', *overrides(inputs / 'good'), ok=False,
        env={'TORCH_HOME': str(tmp_path), 'https_proxy': 'http://127.0.0.1:9'},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'model.teacher_ckpt' in line and 'cannot download' in line
    assert str(tmp_path / 'hub/checkpoints/resnet34-b627a593.pth') in line


def test_an_unreadable_picture_is_named(inputs, command, tmp_path, project):
    write_folder(tmp_path / 'pictures')
    bad = tmp_path / 'pictures/train/dog/0.jpg'
    bad.write_text('no picture')
    done = command(
        'train.py', project / 'configs/mcmi/r34_r18_imagenet.py', '--cfg-options',
        *overrides('pictures'), f'model.teacher_ckpt={inputs}/good.pth', ok=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert 'dog/0.jpg' in done.stderr


def test_debug_shows_the_traceback(command, project):
    config = project / 'configs/mcmi/r34_r18_imagenet.py'
    done = command('train.py', config, '--debug', ok=False)
    assert done.returncode != 0
    assert 'Traceback' in done.stderr and 'data/imagenet' in done.stderr


def test_a_missing_config_is_one_line(command):
    done = command('train.py', 'nowhere.py', ok=False)
    assert (done.returncode, done.stderr) == (
        2,
        'error: there is no config nowhere.py\n',
    )
