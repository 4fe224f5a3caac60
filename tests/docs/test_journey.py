"""The page of an ImageNet teacher on ten folders, walked from its start to its end.

Its files and its commands are those of the page, in its order; only the pictures are
fewer and smaller, and the weights are random.
"""

import json
import shlex

import numpy as np
import pytest
import torch
from conftest import PROJECT, run_tool
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.registry import DATASETS, MODELS
from pages import blocks, files_in
from photographs import COUNTS, FOLDERS, write_photographs
from torchvision_networks import randomised

from mcmi_plugin.convert.class_rows import FOLDERS as OF_IMAGENET
from mcmi_plugin.weights.file import load_checkpoint_file

PAGE = PROJECT / 'docs/imagenet_teacher.md'
NETWORK = 'tf_efficientnet_lite0'
ROWS = [OF_IMAGENET.index(name) for name in FOLDERS]
SMALL = (
    'val_dataloader.dataset.pipeline.1.scale=36 '
    'val_dataloader.dataset.pipeline.2.crop_size=32 val_dataloader.num_workers=0 '
)
SHORT = (
    f'{SMALL} train_dataloader.dataset.pipeline.1.scale=32 train_cfg.max_epochs=1 '
    'train_dataloader.batch_size=10 train_dataloader.num_workers=0 '
)
# Beginning of a command -> what is added to it.
MORE = {
    'python tools/audit_teacher.py': f'--cfg-options {SMALL}',
    'python tools/train.py first.py': f'--cfg-options {SHORT} mcmi.epochs=1',
    'python tools/train.py second.py': f'--cfg-options {SHORT} '
    'model.teacher_ckpt=student://work_dirs/first/epoch_1.pth',
}


@pytest.fixture(scope='module')
def network():
    """Timm's own, of ImageNet's classes."""
    timm = pytest.importorskip('timm')
    torch.manual_seed(0)
    return randomised(timm.create_model(NETWORK))


@pytest.fixture(scope='module')
def walked(tmp_path_factory, server, network):
    """The folder after the page's commands but the last, and what each has printed."""
    folder = tmp_path_factory.mktemp('journey')
    write_photographs(folder / 'data/imagenette')
    weights = network.state_dict()
    torch.save(weights, folder / f'{NETWORK}.pth')
    # Another program's names for the same layers.
    others = {f'_{key.replace("conv", "layer")}': weights[key] for key in weights}
    torch.save(others, folder / 'efficientnet-lite0-57934424.pth')
    for name, text in files_in(PAGE).items():
        (folder / name).write_text(text)
    return folder, {c: walk(c, folder, server) for c in commands()[:-1]}


def walk(command: str, folder, server) -> str:
    """Run a command of the page, and return what it prints."""
    more = [words for start, words in MORE.items() if command.startswith(start)]
    words = shlex.split(' '.join([command, *more]))
    tool = words[1].removeprefix('tools/')
    return run_tool(tool, *words[2:], cwd=folder, server=server).stdout


def commands() -> list[str]:
    """Those of the page that are ours."""
    found = [command for block in blocks(PAGE) for command in block.commands]
    return [command for command in found if command.startswith('python tools/')]


def said(printed: dict, start: str) -> str:
    (found,) = [text for command, text in printed.items() if command.startswith(start)]
    return found


def figures_of(network, rows, dataset: dict, folder) -> tuple[float, float]:
    """Accuracy, %, and LL, nats, of timm's own network on a data set of the page."""
    dataset.data_root = str(folder / 'data/imagenette')
    samples = default_collate(list(DATASETS.build(dataset)))
    labels = torch.cat([sample.gt_label for sample in samples['data_samples']])
    with torch.no_grad():
        logits = network(prepared(samples['inputs']))[:, rows].double()
    ll = -torch.nn.functional.cross_entropy(logits, labels).item()
    return 100 * (logits.argmax(1) == labels).double().mean().item(), ll


def prepared(pictures: torch.Tensor) -> torch.Tensor:
    """Blue, green, red from 0 to 255, as timm's network wants them."""
    return (pictures.flip(1).float() - 127.5) / 127.5


def test_it_is_cut_to_the_rows_of_the_folders(walked, network):
    folder, printed = walked
    timms, others = [text for command, text in printed.items() if 'convert' in command]
    assert 'timm' in timms and 'largest difference' in timms
    assert 'not checked' in others
    cut = torch.load(folder / 'lite0_ten.pth', weights_only=True)['state_dict']
    own = network.state_dict()
    for key, value in cut.items():
        wanted = own[key.removeprefix('model.')]
        wanted = wanted[ROWS] if 'classifier' in key else wanted
        assert value.equal(wanted), key
    assert len(cut) == len(own)


def test_the_audit_measures_timms_network(walked, network):
    folder, _ = walked
    (page,) = folder.glob('work_dirs/audit/*/audit.json')
    figures = json.loads(page.read_text())
    cfg = Config.fromfile(folder / 'teacher.py')
    dataset = cfg.val_dataloader.dataset
    dataset.pipeline[1].scale, dataset.pipeline[2].crop_size = 36, 32
    for split in ('val', 'train'):
        dataset.data_prefix = split
        accuracy, ll = figures_of(network, ROWS, dataset, folder)
        assert figures[split]['num_samples'] == len(FOLDERS) * COUNTS[split]
        assert figures[split]['accuracy'] == pytest.approx(accuracy)
        assert figures[split]['ll'] == pytest.approx(ll, rel=1e-4)
    # The fine-tune begins where the audit has looked.
    (made,) = folder.glob('work_dirs/mcmi_teachers/*-mcmi-lmda0.1-*/teacher.pth')
    before = torch.load(made, weights_only=True)['meta']['mcmi']['before']['train']
    assert before['ll'] == pytest.approx(figures['train']['ll'], rel=1e-4)


def test_a_teacher_a_control_and_a_student(walked):
    folder, printed = walked
    text = said(printed, 'python tools/train.py first.py')
    rows = ('teacher, MLL', 'teacher, lambda = 0 (control)', 'teacher, MCMI', 'student')
    for row in rows:
        assert row in text
    (made,) = folder.glob('work_dirs/mcmi_teachers/*-mcmi-lmda0.1-*/teacher.pth')
    teacher = torch.load(made, weights_only=True)['state_dict']
    run = load_checkpoint_file(folder / 'work_dirs/first/epoch_1.pth')['state_dict']
    for name, value in teacher.items():
        assert run[f'teacher.model.{name}'].equal(value), name


def test_the_second_student_has_the_first_for_its_teacher(walked):
    folder, _ = walked
    first, second = (
        load_checkpoint_file(folder / f'work_dirs/{name}/epoch_1.pth')['state_dict']
        for name in ('first', 'second')
    )
    of_student = 'architecture.'
    for name, value in first.items():
        if name.startswith(of_student):
            assert second[f'teacher.{name.removeprefix(of_student)}'].equal(value), name


@pytest.mark.slow  # torch takes half a minute to write a MobileNetV3
def test_the_onnx_file_is_the_second_student(walked, server):
    folder, _ = walked
    onnxruntime = pytest.importorskip('onnxruntime')
    assert '--format onnx' in commands()[-1]
    walk(commands()[-1], folder, server)
    # As the command has saved it, with everything that was overridden.
    cfg = Config.fromfile(folder / 'work_dirs/second/second.py')
    model = MODELS.build(cfg.model.architecture).eval()
    run = load_checkpoint_file(folder / 'work_dirs/second/epoch_1.pth')['state_dict']
    own = {k.removeprefix('architecture.'): v for k, v in run.items()}
    model.load_state_dict({k: own[k] for k in model.state_dict()})
    dataset = cfg.val_dataloader.dataset
    dataset.data_root = str(folder / 'data/imagenette')
    pictures = default_collate(list(DATASETS.build(dataset)))['inputs']
    with torch.no_grad():
        expected = model(prepared(pictures))
    file = folder / 'work_dirs/second/export/student.onnx'
    pixels = pictures.flip(1).float().numpy()  # the network's order is RGB
    (logits,) = onnxruntime.InferenceSession(file).run(None, {'pixels': pixels})
    np.testing.assert_allclose(logits, expected.numpy(), rtol=1e-3, atol=1e-4)
