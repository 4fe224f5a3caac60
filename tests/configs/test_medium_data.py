"""The medium scale's data sets and pairs, on small images of our own making."""

import gzip
import json
import struct

import numpy as np
import pytest
import torch
from cifar_files import write_batches
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope
from PIL import Image
from rich.console import Console

from mcmi_plugin.audit.command import audit
from mcmi_plugin.commands import train
from mcmi_plugin.job_config import job_config
from mcmi_study.plan import read_study
from mcmi_study.run import run_cells

SHORT = {
    'train_cfg.max_epochs': 1,
    'mcmi.epochs': 1,
    'mcmi.mll_epochs': 1,
}


def write_fashion(folder, train=200, test=50):
    """The four files of Fashion-MNIST, packed: each class a brightness, and noise."""
    folder.mkdir(parents=True)
    random = np.random.RandomState(0)
    for name, number in (('train', train), ('t10k', test)):
        labels = np.arange(number) % 10
        images = 20 * labels[:, None, None] + random.randint(0, 50, (number, 28, 28))
        for kind, array in (('images-idx3', images), ('labels-idx1', labels)):
            head = struct.pack('>HBB', 0, 8, array.ndim)
            head += struct.pack(f'>{array.ndim}I', *array.shape)
            content = gzip.compress(head + array.astype(np.uint8).tobytes())
            (folder / f'{name}-{kind}-ubyte.gz').write_bytes(content)


def test_the_quick_start_on_fashion_mnist(project, tmp_path, monkeypatch):
    """Teacher, control, MCMI and student, on grey images."""
    monkeypatch.chdir(tmp_path)
    write_fashion(tmp_path / 'data/fashion_mnist')
    path = str(project / 'configs/mcmi/quickstart_fashion.py')
    options = {f'{s}_dataloader.dataset.fraction': 1.0 for s in ('train', 'val')}
    cfg = job_config(path, SHORT | options, str(tmp_path / 'run'))
    runner = train(cfg)
    assert runner.model.teacher.backbone.conv1.in_channels == 1
    summary = json.loads((tmp_path / 'run/mcmi/summary.json').read_text())
    assert [row['model'] for row in summary] == [
        'teacher, MLL', 'teacher, lambda = 0 (control)', 'teacher, MCMI', 'student',
    ]  # fmt: skip
    assert all(row['ll'] < 0 <= row['cmi'] for row in summary[:3])


def test_a_tenth_of_it_is_trained_on(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_fashion(tmp_path / 'data/fashion_mnist')
    cfg = Config.fromfile(project / 'configs/mcmi/quickstart_fashion.py')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        parts = [
            DATASETS.build(cfg[f'{split}_dataloader'].dataset)
            for split in ('train', 'val', 'test')
        ]
    assert [len(part) for part in parts] == [20, 10, 10]
    assert [part.dataset.split for part in parts] == ['train', 'test', 'test']


def test_200_classes_at_32_pixels(project, tmp_path, monkeypatch):
    """Out of files of 64; the classes are the folders' names."""
    monkeypatch.chdir(tmp_path)
    picture = Image.new('RGB', (64, 64), (200, 100, 50))
    for number in range(200):
        for split in ('train', 'val'):
            folder = tmp_path / f'data/tiny_imagenet32/{split}/n{number:08}'
            folder.mkdir(parents=True)
            picture.save(folder / '0.jpg')
    text = (
        f"_base_ = ['{project}/configs/_base_/datasets/tiny_imagenet32.py',\n"
        f"    '{project}/configs/_base_/models/cifar/resnet8.py',\n"
        f"    '{project}/configs/_base_/schedules/cifar_240e.py']\n"
        'model = dict(head=dict(num_classes=200))\n'
    )
    (tmp_path / 'tiny.py').write_text(text)
    options = {'train_cfg.max_epochs': 1, 'fast': True}
    runner = train(job_config('tiny.py', options, str(tmp_path / 'run')))
    classes = runner.train_dataloader.dataset.metainfo['classes']
    assert len(classes) == 200 == runner.model.head.fc.out_features
    batch = next(iter(runner.val_dataloader))
    assert batch['inputs'].shape[1:] == (3, 32, 32)
    # Its colour in RGB, where a file is read as BGR.
    inputs = runner.model.data_preprocessor(batch, False)['inputs'][0]
    mean, std = (runner.cfg.data_preprocessor[key] for key in ('mean', 'std'))
    colour = inputs.mean((1, 2)).numpy() * std + mean
    assert colour == pytest.approx([200, 100, 50], abs=3)


@pytest.fixture
def cifar(project, tmp_path, monkeypatch):
    """Small CIFAR-10 whose pictures tell the class, people's counts, and a teacher."""
    monkeypatch.chdir(tmp_path)
    random = np.random.RandomState(0)

    def batch(number, seed):
        labels = [n % 10 for n in range(number)]
        pixels = 20 * np.array(labels)[:, None] + random.randint(0, 50, (number, 3072))
        return {'data': pixels.astype(np.uint8), 'labels': labels}

    batches = {f'data_batch_{i + 1}': batch(80, i) for i in range(5)}
    batches['test_batch'] = batch(60, 5)
    folder = tmp_path / 'data/cifar10'
    write_batches(folder, 'cifar-10-batches-py', 'cifar-10', batches, archive=False)
    share = np.where(np.arange(10) == np.arange(60)[:, None] % 10, 0.82, 0.02)
    counts = np.stack([random.multinomial(50, p) for p in share])
    np.save(folder / 'cifar10h-counts.npy', counts)
    model = Config.fromfile(project / 'configs/_base_/models/akamaster/resnet20.py')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        state = MODELS.build(model.model).state_dict()
    (tmp_path / 'checkpoints/cifar10').mkdir(parents=True)
    torch.save(dict(state_dict=state), 'checkpoints/cifar10/resnet20_mll.pth')
    (tmp_path / 'checkpoints/akamaster').mkdir()
    torch.save(dict(state_dict=state), 'checkpoints/akamaster/resnet20.pth')
    return tmp_path


@pytest.mark.slow
def test_people_at_the_medium_scale(project, cifar):
    """Two cells, of the MLL teacher and of one by a budget."""
    path = str(project / 'configs/study/people.py')
    options = {**SHORT, 'train_dataloader.dataset.fraction': 0.3}
    del options['mcmi.mll_epochs']
    work_dir = cifar / 'work_dirs/study/people/medium'
    study = read_study(
        path, 'medium', str(work_dir), ['budget 0.02'], seeds=1, options=options
    )
    study.cells[:] = [cell for cell in study.cells if cell.arm != 'lambda = 0']
    results, failures = run_cells(study, Console(quiet=True))
    assert not failures
    for result in results:
        values = result['values']
        assert not [name for name, value in values.items() if value is None]
        assert values['teacher_people_kl'] > values['teacher_people_kl_fitted'] > 0
    # Studies of this scale share their teachers.
    assert len(list((cifar / 'work_dirs/study/medium_teachers').iterdir())) == 2


def test_a_public_teacher_gets_used_to_other_copies(project, cifar):
    path = str(project / 'configs/study/_base_/akamaster_r20_mll.py')
    cfg = job_config(path, {'train_cfg.max_epochs': 1}, str(cifar / 'run'))
    runner = train(cfg)
    sizes = [len(x.dataset) for x in (runner.train_dataloader, runner.val_dataloader)]
    assert sizes == [360, 40]
    with open(next((cifar / 'run').glob('*/vis_data/scalars.json'))) as file:
        assert any('mcmi/ll' in line for line in file)


def test_a_public_teacher_is_audited_against_people(project, cifar):
    """By the config it gets used to the images by; people named the test set."""
    path = str(project / 'configs/study/_base_/akamaster_r20_mll.py')
    told = audit(
        job_config(path, {}), 'checkpoints/akamaster/resnet20.pth', Console(quiet=True)
    )
    sizes = [told[split]['num_samples'] for split in ('train', 'val')]
    assert sizes == [360, 40]
    assert told['people']['num_samples'] == 30  # half of the test set
