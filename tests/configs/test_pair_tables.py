"""What pairs and methods say, against the numbers of the paper and its sources."""

import math
from pathlib import Path

import pytest
from combinations import BASE, CONFIGS, LOGIT_METHODS, METHODS, PAIRS, write_config
from mmengine.config import Config

# Teacher, student, lambda (Table 6), beta (mdistiller's files; 8.0 is its default),
# gamma (ReviewKD's script; None: no source), rate (A.8.2).
CIFAR = {
    'r56_r20': ('resnet56', 'resnet20', 0.15, 2.0, 0.6, 0.05),
    'r110_r20': ('resnet110', 'resnet20', 0.10, None, None, 0.05),
    'r110_r32': ('resnet110', 'resnet32', 0.10, 2.0, 1.0, 0.05),
    'wrn40_2_wrn16_2': ('wrn_40_2', 'wrn_16_2', 0.15, 6.0, 5.0, 0.05),
    'wrn40_2_wrn40_1': ('wrn_40_2', 'wrn_40_1', 0.15, 6.0, 5.0, 0.05),
    'vgg13_vgg8': ('vgg13', 'vgg8', 0.20, 6.0, None, 0.05),
    'r50_mnv2': ('ResNet50', 'MobileNetV2', 0.20, 8.0, None, 0.01),
    'r50_vgg8': ('ResNet50', 'vgg8', 0.20, None, None, 0.05),
    'r32x4_shuv1': ('resnet32x4', 'ShuffleV1', 0.15, 8.0, 5.0, 0.01),
    'r32x4_shuv2': ('resnet32x4', 'ShuffleV2', 0.15, 8.0, 8.0, 0.01),
    'wrn40_2_shuv1': ('wrn_40_2', 'ShuffleV1', 0.15, 8.0, 5.0, 0.01),
    'vgg13_mnv2': ('vgg13', 'MobileNetV2', 0.20, 6.0, None, 0.01),
}
# ReviewKD's build_review_kd: channels of student and teacher, shallow to deep.
REVIEW = {
    'r56_r20': ([16, 32, 64, 64], [16, 32, 64, 64]),
    'r110_r20': ([16, 32, 64, 64], [16, 32, 64, 64]),
    'r110_r32': ([16, 32, 64, 64], [16, 32, 64, 64]),
    'wrn40_2_wrn16_2': ([32, 64, 128, 128], [32, 64, 128, 128]),
    'wrn40_2_wrn40_1': ([16, 32, 64, 64], [32, 64, 128, 128]),
    'vgg13_vgg8': ([128, 256, 512, 512, 512], [128, 256, 512, 512, 512]),
    'r50_mnv2': ([12, 16, 48, 160, 1280], [256, 512, 1024, 2048, 2048]),
    'r50_vgg8': ([128, 256, 512, 512, 512], [256, 512, 1024, 2048, 2048]),
    'r32x4_shuv1': ([240, 480, 960, 960], [64, 128, 256, 256]),
    'r32x4_shuv2': ([116, 232, 464, 1024], [64, 128, 256, 256]),
    'wrn40_2_shuv1': ([240, 480, 960, 960], [32, 64, 128, 128]),
    'vgg13_mnv2': ([12, 16, 48, 160, 1280], [128, 256, 512, 512, 512]),
}
# A.8.2: gamma of each loss.
GAMMA = {
    'kd': {'loss_kd': 0.9},
    'at': dict.fromkeys(('loss_at_0', 'loss_at_1', 'loss_at_2'), 1000),
    'pkt': {'loss_pkt': 30000},
    'sp': {'loss_sp': 3000},
    'cc': {'loss_cc': 0.02},
    'rkd': {'loss_distance': 25, 'loss_angle': 50},
    'vid': dict.fromkeys(('loss_vid_0', 'loss_vid_1', 'loss_vid_2'), 1),
    'crd': {'loss_crd': 0.8},
    'dkd': {'loss_dkd': 1},
    'reviewkd': {'loss_reviewkd': 0.6},
    'hsakd': {'loss_hsakd': 1},
}


def test_nothing_is_left_out() -> None:
    assert set(CIFAR) == set(PAIRS) == set(REVIEW)
    assert set(GAMMA) == set(METHODS)
    there = {path.stem for path in (BASE / 'pairs').glob('*.py')}
    others = {'r56_r20_cifar10', 'r34_r18_imagenet', 'r50_mnv2_imagenet'}
    assert there == set(PAIRS) | others | {'akamaster_r20_r8', 'akamaster_r56_r20'}
    there = {path.stem for path in (BASE / 'methods').glob('*.py')}
    beside = {'dkd_imagenet', 'reviewkd_imagenet', *LOGIT_METHODS}
    assert there == set(METHODS) | beside


@pytest.mark.parametrize('name', CIFAR)
def test_pair(name: str) -> None:
    teacher, student, lmda, beta, gamma, rate = CIFAR[name]
    cfg = Config.fromfile(BASE / f'pairs/{name}.py')
    assert Path(cfg.pair.teacher).stem == teacher
    assert Path(cfg.pair.student).stem == student
    assert cfg.pair.teacher_ckpt == f'checkpoints/cifar100/{teacher}.pth'
    assert cfg.pair.mcmi.lmda == lmda
    assert cfg.pair.mcmi.epochs == 20
    assert cfg.optim_wrapper.optimizer.lr == rate
    # A.8.2 names the values that occur; 6 is mdistiller's.
    assert cfg.pair.dkd_beta in ({0.2, 1, 2, 4, 6, 8} if beta is None else {beta})
    assert cfg.pair.reviewkd_weight in ({0.6, 1, 5, 8} if gamma is None else {gamma})


@pytest.mark.parametrize('name', CIFAR)
def test_numbers_of_a_pair_reach_the_losses(name: str, tmp_path: Path) -> None:
    pair = Config.fromfile(BASE / f'pairs/{name}.py').pair
    dkd = losses_of(write_config(tmp_path, name, 'dkd')).loss_dkd
    assert (dkd.alpha, dkd.beta, dkd.tau) == (1.0, pair.dkd_beta, 4)
    review = losses_of(write_config(tmp_path, name, 'reviewkd')).loss_reviewkd
    assert (review.in_channels, review.out_channels) == REVIEW[name]
    assert review.loss_weight == pair.reviewkd_weight
    vid = losses_of(write_config(tmp_path, name, 'vid'))
    student, teacher = REVIEW[name]
    assert [loss.student_channels for loss in vid.values()] == student[:-1]
    assert [loss.teacher_channels for loss in vid.values()] == teacher[:-1]


@pytest.mark.parametrize('method', GAMMA)
def test_gamma(method: str, tmp_path: Path) -> None:
    cfg = Config.fromfile(write_config(tmp_path, 'r56_r20', method))
    losses = cfg.model.distiller.distill_losses
    gammas = {name: loss.get('loss_weight', 1) for name, loss in losses.items()}
    assert gammas == GAMMA[method]
    cross_entropy = cfg.model.architecture.head.loss.get('loss_weight', 1)
    assert cross_entropy == (0.1 if method == 'kd' else 1)


def test_temperatures_negatives_and_warm_up(tmp_path: Path) -> None:
    configs = {
        method: Config.fromfile(write_config(tmp_path, 'r56_r20', method))
        for method in METHODS
    }
    losses = {
        method: cfg.model.distiller.distill_losses for method, cfg in configs.items()
    }
    assert losses['kd'].loss_kd.tau == 4
    assert losses['hsakd'].loss_hsakd.tau == 3
    assert losses['crd'].loss_crd.num_negatives == 16384
    assert not any(loss.with_l2_norm for loss in losses['rkd'].values())
    warm_up = {
        method: cfg.custom_hooks[0].epochs
        for method, cfg in configs.items()
        if cfg.get('custom_hooks') and cfg.custom_hooks[0].type == 'LossWarmupHook'
    }
    assert warm_up == {'dkd': 20, 'reviewkd': 20}


def test_cifar_schedule_and_images() -> None:
    cfg = Config.fromfile(BASE / 'pairs/r56_r20.py')
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer == dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4)
    assert cfg.train_cfg.max_epochs == 240
    assert cfg.param_scheduler.milestones == [150, 180, 210]
    assert cfg.param_scheduler.gamma == 0.1
    assert cfg.train_dataloader.batch_size == 64
    mean, std = cfg.data_preprocessor.mean, cfg.data_preprocessor.std
    assert [m / 255 for m in mean] == pytest.approx([0.5071, 0.4867, 0.4408])
    assert [s / 255 for s in std] == pytest.approx([0.2675, 0.2565, 0.2761])


def test_cifar10_is_its_own_data_set() -> None:
    cfg = Config.fromfile(BASE / 'pairs/r56_r20_cifar10.py')
    assert cfg.pair.mcmi.lmda == 0.25  # Table 6
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert (loader.dataset.type, loader.dataset.data_root) == (
            'CIFAR10',
            'data/cifar10',
        )
    assert cfg.val_dataloader.dataset.split == 'test'
    assert not math.isclose(cfg.data_preprocessor.mean[0] / 255, 0.5071)


@pytest.mark.parametrize(
    ('pair', 'depths'), [('akamaster_r20_r8', (20, 8)), ('akamaster_r56_r20', (56, 20))]
)
def test_a_public_teacher_sees_what_it_was_trained_on(
    pair: str, depths: tuple, tmp_path: Path
) -> None:
    cfg = Config.fromfile(write_config(tmp_path, pair, 'kd', mcmi=True))
    teacher, student = cfg.model.teacher, cfg.model.architecture
    assert (teacher.backbone.depth, student.backbone.depth) == depths
    assert teacher.backbone.shortcut == 'A'
    assert teacher.head.num_classes == student.head.num_classes == 10
    assert cfg.model.teacher_ckpt == f'checkpoints/akamaster/resnet{depths[0]}.pth'
    assert cfg.train_dataloader.dataset.type == 'CIFAR10'
    # torchvision's normalize in the author's trainer.py.
    mean, std = cfg.data_preprocessor.mean, cfg.data_preprocessor.std
    assert [m / 255 for m in mean] == pytest.approx([0.485, 0.456, 0.406])
    assert [s / 255 for s in std] == pytest.approx([0.229, 0.224, 0.225])
    # Its optimizer, of which the fine-tune takes a fifth of the rate.
    own = Config.fromfile(cfg.mcmi.teacher_config)
    optimizer = own.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.weight_decay) == (0.1, 1e-4)
    assert own.auto_scale_lr.base_batch_size == 128
    assert cfg.mcmi.lmda == 0.25


@pytest.mark.parametrize(
    ('pair', 'lmda', 'beta', 'gamma'),
    [('r34_r18', 0.10, 0.5, 1.0), ('r50_mnv2', 0.15, 2.0, 8.0)],
)
def test_imagenet(pair: str, lmda: float, beta: float, gamma: float) -> None:
    configs = {
        method: Config.fromfile(CONFIGS / f'mcmi/{pair}{method}_imagenet.py')
        for method in ('', '_dkd', '_reviewkd', '_crd')
    }
    for cfg in configs.values():
        assert (cfg.mcmi.lmda, cfg.mcmi.epochs) == (lmda, 10)
        assert cfg.mcmi.teacher_config.startswith('mmpretrain::resnet/resnet')
        assert cfg.model.teacher_ckpt.startswith('torchvision://resnet')
        assert cfg.train_dataloader.batch_size == 256
        assert cfg.train_cfg.max_epochs == 100
        hooks = [hook.type for hook in cfg.get('custom_hooks') or []]
        assert hooks == (['CRDBankHook'] if cfg is configs['_crd'] else [])
    dkd = configs['_dkd'].model.distiller.distill_losses.loss_dkd
    assert (dkd.alpha, dkd.beta, dkd.tau) == (1.0, beta, 1)
    review = configs['_reviewkd'].model.distiller
    assert review.distill_losses.loss_reviewkd.loss_weight == gamma
    assert configs[''].model.architecture.head.loss.loss_weight == 0.1


def losses_of(path: Path) -> dict:
    return Config.fromfile(path).model.distiller.distill_losses
