"""The example with everything of one's own, by the real command."""

import shutil
import subprocess
import sys

import pytest
import torch
from imagenet_folder import CLASSES, write_folder
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.registry import DATASETS, MODELS
from torchvision_networks import random_network

from mcmi_plugin.weights.file import load_checkpoint_file

CONFIG = 'configs/examples/bring_your_own.py'
SIDES = ('architecture', 'teacher')
SHORT = [
    'train_cfg.max_epochs=1', 'mcmi.epochs=1', 'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0', 'val_dataloader.num_workers=0',
]  # fmt: skip


@pytest.fixture
def own(tmp_path):
    """A folder with everything of one's own."""
    write_folder(tmp_path / 'data/my_images')
    for name, num_classes in (('my_teacher', 4), ('five_classes', 5)):
        network = random_network('resnet34', num_classes)
        torch.save(network.state_dict(), tmp_path / f'{name}.pth')
    return tmp_path


def test_it_is_short(project):
    assert len((project / CONFIG).read_text().splitlines()) <= 25


def log_likelihood(project, folder) -> float:
    """Of torchvision's own network, on the training images as they are; nats."""
    cfg = Config.fromfile(project / CONFIG)
    dataset = cfg.val_dataloader.dataset
    dataset.update(data_root=str(folder / 'data/my_images'), data_prefix='train')
    samples = DATASETS.build(dataset)
    prepare = MODELS.build(cfg.data_preprocessor)
    batch = prepare(default_collate(list(samples)))
    labels = torch.cat([sample.gt_label for sample in batch['data_samples']])
    with torch.no_grad():
        logits = random_network('resnet34', 4)(batch['inputs'])
    return -torch.nn.functional.cross_entropy(logits.double(), labels).item()


PLAIN = """
import sys
import torch
from mmpretrain import get_model
model = get_model('mobilenet-v2_8xb32_in1k', head=dict(num_classes=4)).eval()
model.load_state_dict(torch.load(sys.argv[1], weights_only=True))
assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 4)
assert 'mcmi_plugin' not in sys.modules and 'mmrazor' not in sys.modules
"""


def test_from_a_torchvision_teacher_to_a_student(own, command, project):
    done = command('train.py', project / CONFIG, '--cfg-options', *SHORT)
    for row in ('teacher, MLL', 'teacher, MCMI', 'student'):
        assert row in done.stdout

    # The teacher that was fine-tuned is the file's, every weight of it.
    (made,) = own.glob('work_dirs/mcmi_teachers/resnet34-mcmi-lmda0.1-*/teacher.pth')
    teacher = torch.load(made, weights_only=True)
    before = teacher['meta']['mcmi']['before']['train']
    assert before['num_samples'] == 9
    assert before['ll'] == pytest.approx(log_likelihood(project, own), rel=1e-4)
    assert teacher['meta']['dataset_meta']['classes'] == list(CLASSES)
    given = torch.load(own / 'my_teacher.pth', weights_only=True)
    assert not teacher['state_dict']['head.fc.weight'].equal(given['fc.weight'])

    # The student had it for its teacher.
    run = load_checkpoint_file(own / 'work_dirs/bring_your_own/epoch_1.pth')
    for name, value in teacher['state_dict'].items():
        assert run['state_dict'][f'teacher.{name}'].equal(value), name
    assert 'distill.loss_dkd' in done.stdout

    # The student alone is a network of mmpretrain's.
    student = {
        name.removeprefix('architecture.'): value
        for name, value in run['state_dict'].items()
        if name.startswith('architecture.')
    }
    # Nine images in batches of four.
    assert student['backbone.conv1.bn.num_batches_tracked'] == 3
    torch.save(student, own / 'student.pth')
    words = [sys.executable, '-c', PLAIN, own / 'student.pth']
    subprocess.run(words, check=True)


def test_a_teacher_of_another_number_of_classes(own, command, project):
    done = command(
        'train.py', project / CONFIG, '--cfg-options', *SHORT,
        'model.teacher_ckpt=five_classes.pth', ok=False,
    )  # fmt: skip
    assert done.returncode == 2
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith('error: model.teacher_ckpt: five_classes.pth has head.fc')
    assert '5 classes in the file, 4 in the config' in error
    assert 'model.teacher.head.num_classes' in error
    assert not list(own.glob('work_dirs/*/*.pth'))


def test_folders_that_are_not_the_same_in_both_splits(own, command, project):
    """Labels count the folders, so they would mean other classes."""
    shutil.rmtree(own / 'data/my_images/val/dog')
    done = command('train.py', project / CONFIG, '--cfg-options', *SHORT, ok=False)
    assert done.returncode == 2
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith('error: val_dataloader.dataset: ')
    assert '1 missing (dog)' in error


@pytest.mark.parametrize(
    ('num_classes', 'words'),
    [
        (3, 'set model.architecture.head.num_classes=4'),
        (5, 'set model.teacher.head.num_classes=4'),
    ],
)
def test_another_number_of_classes(num_classes, words, own, command, project):
    heads = [f'model.{side}.head.num_classes={num_classes}' for side in SIDES]
    done = command(
        'train.py', project / CONFIG, '--cfg-options', *SHORT, *heads,
        'model.teacher_ckpt=five_classes.pth', ok=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr.strip().splitlines()[-1]
