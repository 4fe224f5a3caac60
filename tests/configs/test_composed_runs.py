"""Composed configs trained by mmengine's Runner, resumed, and read back from disk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from combinations import CONFIGS, write_config
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner import Runner
from PIL import Image

from mcmi_plugin.commands import build_checked, load_config, parser
from mcmi_plugin.errors import UserError

CLASSES, PER_CLASS = 3, 6


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of 32x32 pictures, one a class."""
    root = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (root / f'class{label}').mkdir()
        for i in range(PER_CLASS):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / f'class{label}/{i}.png')
    return root


@pytest.fixture
def load(images: Path, tmp_path: Path):
    """A config as ``tools/train.py`` reads it, on the pictures, for few epochs."""

    def load_small(path: Path, name: str, *options: str, epochs: int = 2) -> Config:
        args = parser('').parse_args(
            [str(path), '--work-dir', str(tmp_path / name)]
            + ['--cfg-options', f'train_cfg.max_epochs={epochs}', *options]
        )
        cfg = load_config(args)
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            use_pictures(loader, images)
        cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
        for network in classifiers(cfg.model):
            network.head.num_classes = CLASSES
        return cfg

    return load_small


def use_pictures(loader: dict, images: Path) -> None:
    pipeline = [dict(type='LoadImageFromFile'), *loader.dataset.pipeline]
    loader.dataset = dict(
        type='CustomDataset', data_root=str(images), pipeline=pipeline
    )
    loader.update(batch_size=9, num_workers=0, persistent_workers=False)


def classifiers(model: dict) -> list[dict]:
    return [model.teacher, model.architecture] if 'teacher' in model else [model]


def save_teacher(cfg: Config, path: Path) -> dict:
    """A random plain teacher as a checkpoint; its weights."""
    torch.manual_seed(1)
    teacher = MODELS.build({**cfg.model.teacher, 'type': 'ImageClassifier'})
    teacher.init_weights()
    torch.save({'state_dict': teacher.state_dict()}, path)
    return {k: v for k, v in teacher.state_dict().items() if 'preprocessor' not in k}


class AtTheStart(Hook):
    """Remembers what training began with."""

    def before_train(self, runner: Runner) -> None:
        self.epoch = runner.epoch
        self.state = state_of(runner.model)


def state_of(module: torch.nn.Module) -> dict:
    return {k: v.clone() for k, v in module.state_dict().items()}


def train(cfg: Config, resume: bool = False) -> tuple[Runner, AtTheStart]:
    cfg.resume = resume
    runner, start = build_checked(cfg), AtTheStart()
    runner.register_hook(start, priority='LOWEST')
    runner.train()
    assert np.isfinite(runner.message_hub.log_scalars['train/loss'].data[0]).all()
    return runner, start


@pytest.mark.parametrize(
    ('pair', 'method'),
    [
        ('r56_r20', 'crd'),
        pytest.param('wrn40_2_shuv1', 'reviewkd', marks=pytest.mark.slow),
    ],
)
def test_trains_from_an_mcmi_teacher_and_resumes(
    pair: str, method: str, load, tmp_path: Path
) -> None:
    path = write_config(tmp_path, pair, method, mcmi=True)
    options = ['mcmi.epochs=1', f'model.teacher_ckpt={tmp_path}/base.pth']
    weights = save_teacher(load(path, 'run'), tmp_path / 'base.pth')
    runner, start = train(load(path, 'run', *options))
    assert start.epoch == 0
    teacher = runner.model.teacher.state_dict()
    assert any(not teacher[k].equal(v) for k, v in weights.items())  # fine-tuned
    made = list(tmp_path.glob('mcmi_teachers/*/teacher.pth'))
    assert len(made) == 1
    saved = state_of(runner.model)
    extras = [key for key in saved if key.startswith('distiller.')]

    runner, start = train(load(path, 'run', *options, epochs=3), resume=True)
    assert (start.epoch, runner.epoch) == (2, 3)
    assert extras and all(start.state[key].equal(saved[key]) for key in extras)
    trained = runner.model.state_dict()
    assert any(not trained[key].equal(saved[key]) for key in extras)
    if method == 'reviewkd':  # the third of twenty epochs of warm-up, gamma = 5
        loss = runner.model.distiller.distill_losses.loss_reviewkd
        assert loss.loss_weight == pytest.approx(5.0 * 3 / 20)
    assert list(tmp_path.glob('mcmi_teachers/*/teacher.pth')) == made


def test_network_alone_becomes_a_teacher(load, tmp_path: Path) -> None:
    runner, _ = train(load(CONFIGS / 'distill/resnet20.py', 'alone', epochs=1))
    path = write_config(tmp_path, 'r56_r20', 'sp')
    cfg = load(path, 'run', f'model.teacher_ckpt={tmp_path}/alone/epoch_1.pth')
    cfg.model.teacher.backbone.depth = 20
    teacher = build_checked(cfg).model.teacher.state_dict()
    for key, value in runner.model.state_dict().items():
        assert teacher[key].equal(value), key


@pytest.mark.slow
def test_hsakd_from_a_plain_and_from_an_mcmi_teacher(load, tmp_path: Path) -> None:
    # Any method's run makes the MCMI teacher ...
    path = CONFIGS / 'distill/r56_r20_kd.py'
    options = ['mcmi.epochs=1', f'model.teacher_ckpt={tmp_path}/base.pth']
    save_teacher(load(path, 'kd'), tmp_path / 'base.pth')
    train(load(path, 'kd', *options, epochs=1))
    (mcmi_teacher,) = tmp_path.glob('mcmi_teachers/*/teacher.pth')

    # ... which gets its auxiliary classifiers, and nothing else changes ...
    path = CONFIGS / 'distill/hsakd_teacher_resnet56.py'
    option = f'model.pretrained={mcmi_teacher}'
    first = train(load(path, 'first', option, epochs=1))[0].model.state_dict()
    made = torch.load(mcmi_teacher, weights_only=True)['state_dict']
    for key, value in made.items():
        assert first[key].equal(value), key

    # ... and a student.
    path = CONFIGS / 'distill/r56_r20_hsakd.py'
    option = f'model.teacher_ckpt={tmp_path}/first/epoch_1.pth'
    runner, _ = train(load(path, 'student', option, epochs=1))
    teacher = runner.model.teacher.state_dict()
    for key, value in first.items():
        assert teacher[key].equal(value), key

    # A teacher without its first stage, and MCMI on top of it, are refused.
    with pytest.raises(UserError, match=r'base.pth does not fit .* auxiliary'):
        build_checked(load(path, 'plain', options[1]))
    mcmi = ['mcmi.lmda=0.1', 'mcmi.epochs=1']
    with pytest.raises(UserError, match='drop mcmi'):
        train(load(path, 'fine_tuned', option, *mcmi))


def test_mmengine_alone_trains_a_config_and_its_dump(load, tmp_path: Path) -> None:
    """The dump without a word about this package but what it says itself.

    mmengine finds a ``package::`` base by pkg_resources, which setuptools 82 lacks:
    the config that has one is read by an mmengine that this package has mended.
    """
    composed = write_config(tmp_path, 'r56_r20', 'dkd')
    cfg = load(composed, 'run', f'model.teacher_ckpt={tmp_path}/base.pth', epochs=1)
    save_teacher(cfg, tmp_path / 'base.pth')
    child = tmp_path / 'child.py'
    lines = [f"_base_ = ['{composed.name}']"]
    for key in ('train_dataloader', 'val_dataloader'):
        lines.append(f'{key} = dict(_delete_=True, **{cfg[key].to_dict()!r})')
    lines += [
        f"model = dict(teacher_ckpt='{tmp_path}/base.pth',",
        f'    teacher=dict(head=dict(num_classes={CLASSES})),',
        f'    architecture=dict(head=dict(num_classes={CLASSES})))',
        'train_cfg = dict(max_epochs=1)',
        "work_dir = 'alone'",
        'test_dataloader = test_evaluator = test_cfg = None',
    ]
    child.write_text('\n'.join(lines))
    program = (
        'import sys\n'
        'from mmengine.config import Config\n'
        'from mmengine.runner import Runner\n'
        'cfg = Config.fromfile(sys.argv[1])\n'
        'Runner.from_cfg(cfg).train()\n'
    )
    for config, first in (('child.py', 'import mcmi_plugin\n'), ('alone/child.py', '')):
        done = subprocess.run(
            [sys.executable, '-c', first + program, config],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert (tmp_path / 'alone/epoch_1.pth').is_file()
        (tmp_path / 'alone/epoch_1.pth').unlink()
        assert 'compose' not in (tmp_path / 'alone/child.py').read_text()
