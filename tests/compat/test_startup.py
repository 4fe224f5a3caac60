"""What a command's start is spared has the results it always had."""

import gc

import mmengine.config.config as config
import pytest
from mmengine.config import Config

from mcmi_plugin.compat.startup import _remembering_last, imports_kept


def test_a_text_is_formatted_once():
    calls = []

    def format_code(text, style_config, verify=False):
        calls.append(text)
        return f'{text} {style_config} {verify}', True

    ours = _remembering_last(format_code)
    style = dict(based_on_style='pep8')
    for text, kwargs in (('a', {}), ('b', {}), ('a', {}), ('a', dict(verify=True))):
        found = ours(text, style_config=style, **kwargs)
        assert found == format_code(text, style, **kwargs)
        calls.pop()  # the line above
    assert calls == ['a', 'b', 'a']


def test_a_changed_config_prints_as_it_is_now(monkeypatch):
    cfg = Config(dict(model=dict(type='A', depth=[1, 2])))
    texts = [cfg.pretty_text, cfg.pretty_text]
    cfg.model.depth = [3]
    texts.append(cfg.pretty_text)
    monkeypatch.setattr(config, 'FormatCode', config.FormatCode.__wrapped__)
    assert cfg.pretty_text == texts.pop()
    cfg.model.depth = [1, 2]
    assert texts == [cfg.pretty_text] * 2


@pytest.mark.parametrize(
    'path', ['_base_/default_runtime.py', '_base_/datasets/cifar10_bs16.py']
)
def test_bases_are_in_no_metafile(path):
    folder = config.get_installed_path('mmpretrain')
    messages = []
    for function in (
        config._get_external_cfg_path,
        config._get_external_cfg_path.__wrapped__,
    ):
        with pytest.raises(ValueError) as error:
            function(folder, path)
        messages.append(str(error.value))
    assert 'metafiles' in messages[0]
    found, scope = Config._get_cfg_path(f'mmpretrain::{path}', 'any.py')
    assert found.endswith(f'.mim/configs/{path}') and scope == 'mmpretrain'


def test_collection_goes_on_after_the_imports():
    for error in (None, RuntimeError):
        try:
            with imports_kept():
                assert not gc.isenabled()
                if error:
                    raise error
        except RuntimeError:
            pass
        assert gc.isenabled()
