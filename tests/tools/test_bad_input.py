"""Wrong input by the real command: one line that names the fault and the remedy."""

import shlex

import pytest
import torch
import torchvision
from bad_commands import COMMANDS
from bad_configs import DIGITS
from bad_pictures import PICTURES
from cifar_files import write_cifar100, write_files
from imagenet_folder import overrides, write_folder

PICTURES_CONFIG = 'configs/mcmi/r34_r18_imagenet.py'
DIGITS_CONFIG = 'tests/shaken_quickstart.py'
ROWS = [
    pytest.param(table, *row, id=name)
    for table in (PICTURES, DIGITS, COMMANDS)
    for name, row in table.items()
]
MISSPELT_WORD = """
_base_ = ['{project}/configs/_base_/pairs/r56_r20.py']
from mcmi_plugin.distill import compose
model = compose(_base_.pair, dict(
    name='mine', losses=dict(kd=dict(type='KLDivergence')),
    inputs=dict(kd=dict(preds_S='student.logit', preds_T='teacher.logits'))))
"""


class RunsCode:
    def __reduce__(self):
        return (open, ('proof_that_code_ran', 'w'))


@pytest.fixture(scope='module')
def inputs(tmp_path_factory, project):
    """Good pictures and a good teacher, and bad ones of each kind."""
    folder = tmp_path_factory.mktemp('inputs')
    write_pictures(folder)
    write_checkpoints(folder)
    write_cifar100(folder / 'cifar_cut')
    archive = folder / 'cifar_cut/cifar-100-python.tar.gz'
    archive.write_bytes(archive.read_bytes()[:-3000])
    code = b'cbuiltins\nopen\n(Vproof_that_code_ran\nVw\ntR.'
    write_files(
        folder / 'cifar_hostile', 'cifar-100-python', 'cifar-100',
        dict(train=code, test=code), archive=True,
    )  # fmt: skip
    (folder / 'broken.py').write_text('model = dict(\n')
    pair = f'{project}/configs/_base_/pairs/r56_r2O.py'
    (folder / 'misspelt_pair.py').write_text(f'_base_ = [{pair!r}]\n')
    text = MISSPELT_WORD.replace('{project}', str(project))
    (folder / 'misspelt_word.py').write_text(text)
    return folder


def write_pictures(folder):
    for name in ('good', 'no_emu', 'text_as_picture', 'empty_picture', 'webp'):
        write_folder(folder / name)
    for picture in (folder / 'no_emu/train/emu').glob('*.jpg'):
        picture.unlink()
    (folder / 'text_as_picture/train/dog/0.jpg').write_text('no picture')
    (folder / 'empty_picture/train/dog/0.jpg').write_bytes(b'')
    for picture in (folder / 'webp/train').glob('*/0.jpg'):
        picture.rename(picture.with_suffix('.webp'))
    (folder / 'side_by_side/train').mkdir(parents=True)
    (folder / 'side_by_side/train/0.jpg').write_bytes(b'')
    (folder / 'empty/train').mkdir(parents=True)
    (folder / 'no_train').mkdir()
    (folder / 'file').write_text('no folder')
    labels = [f'{name}/0.jpg {i}' for i, name in enumerate(('cat', 'dog', 'emu'))]
    for name, last in (
        ('wrong_label', 'fox/0.jpg 7'),
        ('no_label', 'fox/0.jpg'),
        ('word_as_label', 'fox/0.jpg cat'),
    ):
        (folder / f'{name}.txt').write_text('\n'.join([*labels, last]))


def write_checkpoints(folder):
    good = torchvision.models.resnet34(num_classes=4).state_dict()
    of_training = dict(state_dict=good, meta={}, optimizer={}, message_hub={})
    checkpoints = dict(
        good=good,
        missing=dict(list(good.items())[10:]),
        foreign={f'{k}_of_another': v for k, v in good.items()},
        distillation={f'architecture.{k}': v for k, v in good.items()},
        extra={**good, 'extra.weight': torch.zeros(1)},
        five_classes=torchvision.models.resnet34(num_classes=5).state_dict(),
        nan={**good, 'fc.bias': torch.full((4,), torch.nan)},
        runs_code={'state_dict': {}, 'meta': RunsCode()},
        other_network=of_training,
        student=torchvision.models.resnet18(num_classes=4).state_dict(),
    )
    for name, state in checkpoints.items():
        torch.save(state, folder / f'{name}.pth')
    (folder / 'text.pth').write_text('this is no checkpoint')
    whole = (folder / 'good.pth').read_bytes()
    (folder / 'cut.pth').write_bytes(whole[: len(whole) // 2])


def words_of(table, row, inputs, project) -> list[str]:
    """The command line of a row of one of the tables."""
    words = shlex.split(row.format(inputs=inputs, project=project))
    if table is COMMANDS:
        return words
    flags = words if words[0].startswith('--') else ['--work-dir', 'run']
    options = [] if words is flags else words
    if table is PICTURES:
        options = [
            *overrides(inputs / 'good'), f'model.teacher_ckpt={inputs}/good.pth',
            'mcmi.epochs=1', *options,
        ]  # fmt: skip
    config = PICTURES_CONFIG if table is PICTURES else DIGITS_CONFIG
    options = ['--cfg-options', *options] if options else []
    return ['train.py', project / config, *flags, *options]


@pytest.mark.parametrize(('table', 'row', 'said'), ROWS)
def test_wrong_input_is_one_line(table, row, said, inputs, command, tmp_path, project):
    done = command(*words_of(table, row, inputs, project), ok=False)

    assert done.returncode == 2, done.stdout[-2000:] + done.stderr[-2000:]
    (line,) = [x for x in done.stderr.splitlines() if 'error: ' in x]
    for word in said:
        assert word in line, line
    assert 'Traceback' not in done.stderr
    left = [p for p in tmp_path.rglob('*') if p.suffix in ('.pth', '.tmp')]
    assert not left  # nothing half-written
    assert not (tmp_path / 'proof_that_code_ran').exists()


def test_there_are_many_wrong_inputs():
    assert len(ROWS) >= 100


def test_without_a_network_one_line_says_where_to_put_the_file(
    inputs, command, tmp_path, project
):
    done = command(
        'train.py', project / PICTURES_CONFIG,
        '--cfg-options', *overrides(inputs / 'good'), ok=False,
        env={'TORCH_HOME': str(tmp_path), 'https_proxy': 'http://127.0.0.1:9'},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'model.teacher_ckpt' in line and 'cannot download' in line
    assert str(tmp_path / 'hub/checkpoints/resnet34-b627a593.pth') in line


def test_debug_shows_the_traceback(command, project):
    done = command('train.py', project / PICTURES_CONFIG, '--debug', ok=False)
    assert done.returncode != 0
    assert 'Traceback' in done.stderr and 'data/imagenet' in done.stderr
