"""The config that ``compose`` writes: what is in it."""

import copy
from pathlib import Path

import pytest
import torch
from combinations import BASE, CONFIGS, METHODS, PAIR, method_of, write_config
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.structures import DataSample

from mcmi_plugin.commands import load_config, parser
from mcmi_plugin.distill import compose


def strings(value):
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize('name', METHODS)
def test_only_mmrazors_words_are_left(name: str) -> None:
    pair, method = copy.deepcopy(PAIR), method_of(name)
    model = compose(pair, method)
    assert set(model) == {
        '_scope_',
        'type',
        'architecture',
        'teacher',
        'teacher_ckpt',
        'distiller',
    }
    for text in strings(model):
        assert '{' not in text
        assert not text.startswith(('student.', 'teacher.', 'pair.'))
    for part in model['distiller'].values():
        if isinstance(part, dict):
            part.clear()
    assert (pair, method) == (PAIR, method_of(name))  # left as they were


@pytest.mark.parametrize('name', METHODS)
def test_dump_is_the_same_config(name: str, tmp_path: Path) -> None:
    cfg = Config.fromfile(write_config(tmp_path, 'r50_mnv2', name, mcmi=True))
    cfg.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize('name', METHODS)
def test_exported_student_is_the_plain_network(name: str) -> None:
    model = compose(PAIR, method_of(name))
    model['teacher_ckpt'] = None
    distillation = MODELS.build(Config(model)._cfg_dict)
    student = {
        key.removeprefix('architecture.'): value
        for key, value in distillation.state_dict().items()
        if key.startswith('architecture.')
        and not key.startswith('architecture.auxiliary.')
    }
    plain = Config.fromfile(BASE / 'models/cifar/resnet20.py').model
    MODELS.build(plain).load_state_dict(student, strict=True)
    has_auxiliary = any(
        key.startswith('auxiliary.') for key in distillation.architecture.state_dict()
    )
    assert has_auxiliary == (name == 'hsakd')


# What RepDistiller, mdistiller and HSAKD hand to each loss, of ResNet-20 and -56.
STAGES = {'backbone.layer1', 'backbone.layer2', 'backbone.layer3'}
PREACT = {f'backbone.layer{i}.8.preact' for i in (1, 2, 3)}
READS = {
    'kd': ({'head.fc'}, {'head.fc'}),
    'at': (STAGES, STAGES),
    'pkt': ({'neck'}, {'neck'}),
    'sp': ({'backbone.layer3'}, {'backbone.layer3'}),
    'cc': ({'neck'}, {'neck'}),
    'rkd': ({'neck'}, {'neck'}),
    'vid': (STAGES, STAGES),
    'crd': ({'neck', ''}, {'neck'}),
    'dkd': ({'head.fc', 'head.loss_module'}, {'head.fc'}),
    'reviewkd': ({*STAGES, 'neck'}, {*PREACT, 'neck'}),
    'hsakd': ({'head.fc', 'auxiliary'}, {'head.fc', 'auxiliary'}),
}


@pytest.mark.parametrize('name', METHODS)
def test_what_a_method_reads(name: str) -> None:
    distiller = compose(PAIR, method_of(name))['distiller']
    for side, sources in zip(('student', 'teacher'), READS[name], strict=True):
        recorders = distiller[f'{side}_recorders'].values()
        assert {recorder['source'] for recorder in recorders} == sources


def test_similarity_written_out() -> None:
    last = dict(type='ModuleOutputs', source='backbone.layer3')
    assert compose(PAIR, method_of('sp'))['distiller'] == dict(
        type='ConfigurableDistiller',
        student_recorders=dict(last_stage=last),
        teacher_recorders=dict(last_stage=last),
        connectors={},
        distill_losses=dict(loss_sp=dict(type='SPLoss', loss_weight=3000.0)),
        loss_forward_mappings=dict(
            loss_sp=dict(
                s_feature=dict(recorder='last_stage', from_student=True),
                t_feature=dict(recorder='last_stage', from_student=False),
            )
        ),
    )


def test_contrastive_written_out() -> None:
    pair = Config.fromfile(BASE / 'pairs/r50_mnv2.py').pair
    distiller = compose(pair, method_of('crd'))['distiller']
    pooled = dict(type='ModuleOutputs', source='neck')
    samples = dict(type='ModuleInputs', source='')
    assert distiller['student_recorders'] == dict(pooled=pooled, data_samples=samples)
    assert distiller['teacher_recorders'] == dict(pooled=pooled)
    assert distiller['connectors'] == dict(
        embed_student=dict(type='CRDConnector', dim_in=1280, dim_out=128),
        embed_teacher=dict(type='CRDConnector', dim_in=2048, dim_out=128),
    )
    first = dict(recorder='pooled', data_idx=0)
    assert distiller['loss_forward_mappings']['loss_crd'] == dict(
        s_feature=dict(first, from_student=True, connector='embed_student'),
        t_feature=dict(first, from_student=False, connector='embed_teacher'),
        data_samples=dict(recorder='data_samples', from_student=True, data_idx=1),
    )


def test_review_on_imagenet_written_out() -> None:
    path = CONFIGS / 'mcmi/r50_mnv2_reviewkd_imagenet.py'
    distiller = Config.fromfile(path).model.distiller
    student = [r.source for r in distiller.student_recorders.values()]
    assert student == [f'backbone.layer{i}' for i in (2, 3, 5, 7)] + ['neck']
    teacher = [(r.type, r.source) for r in distiller.teacher_recorders.values()]
    relus = ('layer1.2.relu', 'layer2.3.relu', 'layer3.5.relu', 'layer4.2.relu')
    expected = [('ModuleInputs', f'backbone.{relu}') for relu in relus]
    assert teacher == [*expected, ('ModuleOutputs', 'neck')]
    records = distiller.loss_forward_mappings.loss_reviewkd
    assert records.t_feature_3 == dict(
        recorder='preact_levels_3', from_student=False, record_idx=2, data_idx=0
    )
    (loss,) = distiller.distill_losses.values()
    assert loss.in_channels == [24, 32, 96, 320, 1280]
    assert loss.out_channels == [256, 512, 1024, 2048, 2048]


def test_a_new_pair_and_a_new_method_are_one_file_each(tmp_path: Path) -> None:
    (tmp_path / 'pair.py').write_text(
        f"_base_ = ['{BASE}/datasets/cifar100.py', '{BASE}/schedules/cifar_240e.py']\n"
        f"pair = dict(teacher='{BASE}/models/cifar/resnet32x4.py',\n"
        f"    student='{BASE}/models/cifar/resnet8x4.py', teacher_ckpt=None)\n"
    )
    (tmp_path / 'method.py').write_text(
        "method = dict(name='FitNet',\n"
        "    connectors=dict(fit=dict(type='ConvModuleConnector',\n"
        "        in_channel='student.channels.1', out_channel='teacher.channels.1')),\n"
        "    losses=dict(loss_hint=dict(type='L2Loss', loss_weight=100.0)),\n"
        '    inputs=dict(loss_hint=dict(\n'
        "        s_feature=dict(tap='student.stages.1', connector='fit'),\n"
        "        t_feature='teacher.stages.1')))\n"
    )
    (tmp_path / 'both.py').write_text(
        "_base_ = ['pair.py', 'method.py']\n"
        'from mcmi_plugin.distill import compose\n'
        'model = compose(_base_.pair, _base_.method)\n'
    )
    model = MODELS.build(Config.fromfile(tmp_path / 'both.py').model)
    samples = [DataSample().set_gt_label(i) for i in range(2)]
    losses = model(torch.randn(2, 3, 32, 32), samples, mode='loss')
    assert losses['distill.loss_hint'].isfinite()


def test_mll_mcmi_and_no_teacher(tmp_path: Path) -> None:
    mll = write_config(tmp_path, 'r56_r20', 'sp')
    assert 'mcmi' not in Config.fromfile(mll)
    # The base for any distillation config serves a composed one too.
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = ['{mll.name}', '{BASE}/mcmi_teacher.py']\n")
    assert Config.fromfile(child).mcmi.lmda == 0.1
    cfg = Config.fromfile(write_config(tmp_path, 'wrn40_2_shuv1', 'sp', mcmi=True))
    assert cfg.mcmi.lmda == 0.15
    # The teacher's own rate, not the 0.01 of its student.
    teacher = Config.fromfile(cfg.mcmi.teacher_config)
    assert teacher.optim_wrapper.optimizer.lr == 0.05
    assert Config.fromfile(CONFIGS / 'distill/r56_r20_kd_mll.py').mcmi is None
    alone = Config.fromfile(CONFIGS / 'distill/resnet20.py').model
    assert alone.type == 'ImageClassifier'


def test_overrides_reach_the_composed_model(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'r56_r20', 'hsakd')
    args = parser('').parse_args(
        [
            str(path),
            '--cfg-options',
            'model.teacher.head.num_classes=7',
            'model.architecture.head.num_classes=7',
            'model.teacher_ckpt=None',
            'model.distiller.distill_losses.loss_hsakd.tau=2',
        ]
    )
    model = MODELS.build(load_config(args).model)
    assert model.teacher.head.fc.out_features == 7
    assert model.student.auxiliary[0].fc.out_features == 28
    assert model.distiller.distill_losses.loss_hsakd.tau == 2


def test_hsakd_reads_the_first_stages_checkpoint() -> None:
    model = compose(PAIR, method_of('hsakd'))
    assert model['teacher_ckpt'] == 'work_dirs/hsakd_teacher_resnet56/epoch_100.pth'
    first = Config.fromfile(CONFIGS / 'distill/hsakd_teacher_resnet56.py')
    assert first.train_cfg.max_epochs == 100
    assert first.param_scheduler.milestones == [30, 60, 90]
    teachers = {Path(p).stem for p in CONFIGS.glob('distill/hsakd_teacher_*.py')}
    pairs = [Config.fromfile(p).pair for p in BASE.glob('pairs/*.py')]
    # Of Table 1; a public teacher's first stage is the user's to write.
    ours = {Path(p.teacher).stem for p in pairs if '/cifar/' in p.teacher}
    assert teachers == {f'hsakd_teacher_{name}' for name in ours}


def test_classes_of_another_data_set() -> None:
    pair = Config.fromfile(BASE / 'pairs/r56_r20_cifar10.py').pair
    model = compose(pair, method_of('kd'))
    assert model['teacher']['head']['num_classes'] == 10
    assert model['architecture']['head']['num_classes'] == 10


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='LabelSmoothLoss', label_smooth_val=0.1, num_classes=1000),
        dict(type='CrossEntropyLoss', use_sigmoid=True),
        dict(type='CrossEntropyLoss', use_soft=True),
    ],
)
def test_the_teachers_own_loss_takes_a_batch(loss: dict, tmp_path: Path) -> None:
    """Which MMRazor computes in every step, and nobody reads."""
    text = (BASE / 'models/cifar/resnet20.py').read_text()
    network = tmp_path / 'mine.py'
    network.write_text(f"{text}\nmodel['head']['loss'] = {loss!r}\n")
    pair = {**PAIR, 'teacher': str(network), 'num_classes': 7, 'teacher_ckpt': None}
    teacher = compose(pair, method_of('kd'))['teacher']
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        built = MODELS.build(teacher)
    samples = [DataSample().set_gt_label(i) for i in (1, 6)]
    assert built(torch.rand(2, 3, 32, 32), samples, mode='loss')['loss'] > 0


def test_network_under_another_name(tmp_path: Path) -> None:
    network = tmp_path / 'mine.py'
    network.write_text((BASE / 'models/cifar/resnet20.py').read_text())
    pair = {**PAIR, 'student': str(network)}
    for name in METHODS:
        assert compose(pair, method_of(name)) == compose(PAIR, method_of(name)), name
