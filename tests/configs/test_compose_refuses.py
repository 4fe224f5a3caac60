"""A pair and a method that do not go together, or lack a part."""

import re

import pytest
from combinations import BASE, PAIR, method_of

from mcmi_plugin.distill import compose
from mcmi_plugin.errors import UserError


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


def test_pair_without_a_teachers_checkpoint() -> None:
    """mcmi.mll_epochs trains one, or the command line names it."""
    pair = {k: v for k, v in PAIR.items() if k != 'teacher_ckpt'}
    assert compose(pair, method_of('kd')) == compose(
        {**PAIR, 'teacher_ckpt': None}, method_of('kd')
    )


@pytest.mark.parametrize('key', ['pair.student', 'pair.teacher'])
def test_pair_without_a_network(key: str) -> None:
    pair = {k: v for k, v in PAIR.items() if f'pair.{k}' != key}
    with pytest.raises(UserError, match=f'{key} is not set; name the config of a netw'):
        compose(pair, method_of('kd'))


@pytest.mark.parametrize('key', ['name', 'losses', 'inputs'])
def test_method_that_lacks_a_part(key: str) -> None:
    method = {k: v for k, v in method_of('pkt').items() if k != key}
    with pytest.raises(UserError, match=f'method.{key} is not set; '):
        compose(PAIR, method)


def test_network_that_does_not_exist() -> None:
    pair = {**PAIR, 'student': 'configs/resnet21.py'}
    with pytest.raises(UserError, match=r'pair.student: .*resnet21'):
        compose(pair, method_of('pkt'))
