"""Options in layers, and as the words that a person could type."""

import argparse
from types import SimpleNamespace

import pytest

from mcmi_plugin.errors import UserError
from mcmi_plugin.overrides import add_overrides, as_words
from mcmi_study.options import filled, layered


def typed(*words) -> dict:
    parse = argparse.ArgumentParser()
    add_overrides(parse, 'help')
    return parse.parse_args(['--cfg-options', *words]).cfg_options


def test_a_later_layer_wins_over_what_it_touches():
    options = layered(
        {'mcmi.lmda': 0.5, 'mcmi.epochs': 20, 'a.b': 1},
        {'mcmi': {'epochs': 1}, 'a': 2},
    )
    assert options == {'mcmi.lmda': 0.5, 'mcmi.epochs': 1, 'a': 2}
    assert layered(options, {'mcmi': None}) == {'a': 2, 'mcmi': None}
    assert layered({'mcmix.lmda': 1}, {'mcmi': None}) == {'mcmix.lmda': 1, 'mcmi': None}


def test_seed_folder_and_grid_are_filled_in():
    options = {
        'dataset.seed': '{seed}',
        'index_file': '{study_dir}/indices/seed{seed}.json',
        'dataset.delta': '{delta}',
        'parts': ['{seed}', 'x'],
        'other': '{unknown}',
    }
    assert filled(options, dict(seed=3, study_dir='w', delta='0.5')) == {
        'dataset.seed': 3,
        'index_file': 'w/indices/seed3.json',
        'dataset.delta': 0.5,
        'parts': [3, 'x'],
        'other': '{unknown}',
    }


def test_words_are_read_back_as_they_were_by_the_commands():
    options = {
        'a': 1,
        'b': 5e-05,
        'c': None,
        'd': True,
        'e': 'validation',
        'f': [1, 2.5, 'cat'],
        'g': ('one',),
        'h': [(1, 2), []],
        'mcmi.teacher_dir': 'work_dirs/teachers',
        'teacher_store.dir': 'my stored outputs',
        'model.teacher_ckpt': '/disk 2/nice, is it/teacher [2].pth',
        'title': 'a text',
    }
    assert typed(*as_words(options, 'here')) == options
    args = SimpleNamespace(cfg_options=typed(*as_words(options, 'here')))

    assert args.cfg_options == options
    assert repr(args.cfg_options) == repr(options)  # 1 is not True


@pytest.mark.parametrize(
    ('typed_value', 'meant'),
    [
        ('[1, 2.5, cat]', [1, 2.5, 'cat']),  # as mmengine
        ('1,2', [1, 2]),
        ('a, b', ['a', 'b']),
        ('"[(1,2),(3,4)]"', [(1, 2), (3, 4)]),
        (' 7 ', 7),
        ('my folder', 'my folder'),  # mmengine takes the space out
        ('"a,b"', ['a', 'b']),
    ],
)
def test_a_text_may_have_spaces(typed_value, meant):
    assert repr(typed(f'key={typed_value}')) == repr(dict(key=meant))


@pytest.mark.parametrize(
    ('word', 'meant'),
    [
        ('mcmi.teacher_dir=my teachers', 'my teachers'),
        ('model.teacher_ckpt=/a/no, space/t[1].pth', '/a/no, space/t[1].pth'),
        ('work_dir=2024', '2024'),
        ('load_from="a.pth"', 'a.pth'),  # quotes go, as mmengine has it
        ('teacher_store.dir=None', None),
    ],
)
def test_a_path_is_as_it_was_typed(word, meant):
    assert list(typed(word).values()) == [meant]


@pytest.mark.parametrize(
    'value', ['a, b', '7', [dict(type='PackInputs')], '[a b]', ['1'], ['a b']]
)
def test_what_cannot_be_typed_is_refused(value):
    with pytest.raises(UserError, match='arm A: key=.* cannot be said'):
        as_words({'key': value}, 'arm A')
