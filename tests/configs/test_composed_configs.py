"""The config that ``compose`` writes: what is in it, and what refuses to be."""

import copy
import re
from pathlib import Path

import pytest
from combinations import BASE, CONFIGS, METHODS, write_config
from mmengine.config import Config
from mmengine.registry import MODELS

from mcmi_plugin.commands import load_config, parser
from mcmi_plugin.distill import compose
from mcmi_plugin.errors import UserError

PAIR = Config.fromfile(BASE / 'pairs/r56_r20.py').pair


def method_of(name: str) -> dict:
    return copy.deepcopy(Config.fromfile(BASE / f'methods/{name}.py').method)


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
    ours = {Path(p.teacher).stem for p in pairs if '::' not in p.teacher}
    assert teachers == {f'hsakd_teacher_{name}' for name in ours}


def test_classes_of_another_data_set() -> None:
    pair = Config.fromfile(BASE / 'pairs/r56_r20_cifar10.py').pair
    model = compose(pair, method_of('kd'))
    assert model['teacher']['head']['num_classes'] == 10
    assert model['architecture']['head']['num_classes'] == 10


@pytest.mark.parametrize('name', ['at', 'vid', 'reviewkd', 'hsakd'])
def test_stages_that_do_not_match(name: str) -> None:
    pair = {**PAIR, 'student': str(BASE / 'models/cifar/vgg8.py')}
    with pytest.raises(UserError, match=r'resnet56-vgg8 the teacher has 3 .* 4;') as e:
        compose(pair, method_of(name))
    assert method_of(name).name in str(e.value)
    assert '\n' not in str(e.value)


@pytest.mark.parametrize('name', ['kd', 'sp', 'crd', 'dkd'])
def test_stages_that_need_not_match(name: str) -> None:
    pair = {**PAIR, 'student': str(BASE / 'models/cifar/vgg8.py')}
    assert compose(pair, method_of(name))


def test_number_that_the_pair_lacks() -> None:
    pair = {k: v for k, v in PAIR.items() if k != 'dkd_beta'}
    with pytest.raises(UserError, match=r"DKD: there is no 'pair.dkd_beta'"):
        compose(pair, method_of('dkd'))


@pytest.mark.parametrize('word', ['student.stage.0', 'teacher.stages.3', 'sutdent.x'])
def test_word_that_does_not_exist(word: str) -> None:
    method = method_of('pkt')
    method.inputs.loss_pkt.s_feature = word
    with pytest.raises(UserError, match=re.escape(f"PKT: there is no '{word}'")):
        compose(PAIR, method)


def test_network_that_does_not_exist() -> None:
    pair = {**PAIR, 'student': 'configs/resnet21.py'}
    with pytest.raises(UserError, match=r'pair.student: .*resnet21'):
        compose(pair, method_of('pkt'))


def test_network_without_taps(tmp_path: Path) -> None:
    network = tmp_path / 'mine.py'
    network.write_text((BASE / 'models/cifar/resnet20.py').read_text())
    pair = {**PAIR, 'student': str(network)}
    with pytest.raises(UserError, match=r'taps.py does not say where mine '):
        compose(pair, method_of('pkt'))
    assert compose(pair, method_of('kd'))  # reads what every classifier has
