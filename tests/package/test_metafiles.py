"""model-index.yml as mim and mmengine read it."""

import pytest
from conftest import PROJECT
from mmengine.config import Config
from mmengine.config.utils import _get_cfg_metainfo
from modelindex.load_model_index import load

FOLDERS = ('mcmi', 'distill')


@pytest.fixture(scope='module')
def index():
    index = load(str(PROJECT / 'model-index.yml'))
    index.build_models_with_collections()
    return index


def test_every_config_is_listed_once(index):
    listed = [model.config for model in index.models]
    there = [f'configs/{f}/{p.name}' for f in FOLDERS for p in configs_of(f)]
    assert sorted(listed) == sorted(there)
    names = [model.name for model in index.models]
    assert names == [config.split('/')[-1].removesuffix('.py') for config in listed]


def configs_of(folder):
    return (PROJECT / 'configs' / folder).glob('*.py')


def test_what_is_said_is_what_the_config_does(index):
    for model in index.models:
        cfg = Config.fromfile(PROJECT / model.config)
        said = model.metadata.data
        assert said['Epochs'] == cfg.train_cfg.max_epochs, model.name
        assert said['Batch Size'] == cfg.train_dataloader.batch_size, model.name
        assert said.get('Lambda') == (cfg.get('mcmi') or {}).get('lmda'), model.name
        assert said['Training Data'].startswith(DATA[cfg.train_dataloader.dataset.type])
        assert ('Teacher' in said) == (
            'teacher' in cfg.model or 'pretrained' in cfg.model
        )


DATA = dict(
    Digits="scikit-learn's digits",
    CIFAR100='CIFAR-100',
    ClassFraction='Fashion-MNIST',  # a part of it
    ImageNet='ImageNet-1k',
)


def test_nothing_is_claimed_that_was_not_run(index):
    assert not any(model.results or model.weights for model in index.models)


def test_mmengine_finds_a_config_by_its_name(tmp_path):
    (tmp_path / '.mim').symlink_to(PROJECT)
    found = _get_cfg_metainfo(str(tmp_path), 'mcmi/quickstart_digits.py')
    assert found['Config'] == 'configs/mcmi/quickstart_digits.py'
