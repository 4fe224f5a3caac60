"""What a method adds stays behind, whichever method it is."""

import sys
from types import SimpleNamespace

import pytest
import torch
from conftest import PROJECT
from made_up_runs import PREPROCESSOR, write_run, write_small_run
from mmengine.config import Config
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS
from mmpretrain.models import ClsDataPreprocessor
from torch import nn

from mcmi_plugin.distill import compose
from mcmi_plugin.errors import UserError
from mcmi_plugin.export.command import export
from mcmi_plugin.export.graph import PixelsToLogits, about, pixels_of
from mcmi_plugin.export.network_file import needed
from mcmi_plugin.export.plain_mmpretrain import plain_config
from mcmi_plugin.export.source import read_source
from mcmi_plugin.normalisation import normalisation


def composed(method):
    """The model of a distillation of ResNet-56 to ResNet-20."""
    base = PROJECT / 'configs/_base_'
    pair = Config.fromfile(base / 'pairs/r56_r20.py').pair
    method = Config.fromfile(base / f'methods/{method}.py').method
    return compose(pair, method) | dict(teacher_ckpt=None)


OF_RESNET20 = 278_324  # parameters, with 100 classes


@pytest.mark.parametrize('method', ['hsakd', 'reviewkd', 'crd', 'vid'])
def test_the_student_alone_has_the_networks_weights(method, tmp_path):
    built = write_run(tmp_path, composed(method), data_preprocessor=PREPROCESSOR)
    source = read_source(str(tmp_path))

    assert sum(p.numel() for p in source.student.parameters()) == OF_RESNET20
    trained = built.state_dict()
    for name, value in source.student.state_dict().items():
        assert torch.equal(value, trained[f'architecture.{name}']), name


def test_nothing_of_the_method_is_in_the_file(tmp_path):
    built = write_run(
        tmp_path / 'run', composed('hsakd'), data_preprocessor=PREPROCESSOR
    )
    done = export(str(tmp_path / 'run'), 'torch-export', out=str(tmp_path / 'out'))

    assert done.num_parameters == OF_RESNET20
    assert sum(p.numel() for p in built.architecture.parameters()) > 2 * OF_RESNET20
    program = torch.export.load(tmp_path / 'out/student.pt2')
    assert sum(p.numel() for p in program.parameters()) == OF_RESNET20
    names = [*program.state_dict, *program.constants]
    assert not [n for n in names if 'auxiliary' in n or 'teacher' in n or 'loss' in n]


def test_a_class_that_no_module_brings_is_refused_for_plain_mmpretrain():
    model = Config(dict(m=dict(type='GaussianPosterior'))).m
    with pytest.raises(UserError) as caught:
        needed(MODELS.build(model), model, Config())
    line = str(caught.value)
    assert 'the model is a GaussianPosterior of mcmi_plugin' in line
    assert '--format onnx or torch-export' in line


@MODELS.register_module()
class Squeezing(nn.Module):
    """Of a batch of one it leaves no batch, as mmpretrain's LeNet5."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 10)

    def forward(self, x):
        return (self.fc(x.mean((2, 3), keepdim=True).squeeze()),)


@pytest.mark.parametrize('form', ['torch-export', 'onnx'])
def test_a_network_that_squeezes_a_batch_of_one(form, tmp_path):
    model = dict(type='ImageClassifier', backbone=dict(type='Squeezing'))
    model['head'] = dict(type='ClsHead')
    write_run(tmp_path / 'run', model, data_preprocessor=PREPROCESSOR)
    done = export(str(tmp_path / 'run'), form, out=str(tmp_path))
    assert done.comparison.num_samples == done.comparison.same_class == 64


def test_a_student_by_its_path_and_in_the_words_of_old_configs(tmp_path):
    """``cfg_path`` is written out, ``mmcls`` and mmengine's preprocessor translated."""
    fc = dict(fc=dict(type='ModuleOutputs', source='head.fc'))
    model = dict(
        _scope_='mmrazor',
        type='SelfDistill',
        data_preprocessor=dict(
            type='ImgDataPreprocessor',
            mean=[110.0, 120.0, 130.0],
            std=[50.0, 60.0, 70.0],
            bgr_to_rgb=True,
        ),
        architecture=dict(
            cfg_path='mmcls::resnet/resnet18_8xb16_cifar10.py', pretrained=False
        ),
        distiller=dict(
            type='ConfigurableDistiller', student_recorders=fc, teacher_recorders=fc
        ),
    )
    write_run(tmp_path / 'run', model)
    done = export(str(tmp_path / 'run'), 'mmpretrain', out=str(tmp_path))
    assert done.comparison.num_samples == done.comparison.same_class == 64
    text = (tmp_path / 'student.py').read_text()
    for word in ('mmcls', 'mmrazor', 'cfg_path', '_scope_', 'ImgData'):
        assert word not in text
    config = Config.fromfile(tmp_path / 'student.py')
    assert config.data_preprocessor == dict(
        type='ClsDataPreprocessor',
        mean=[110.0, 120.0, 130.0],
        std=[50.0, 60.0, 70.0],
        to_rgb=True,
    )
    assert config.model.backbone.type == 'ResNet_CIFAR'


@pytest.mark.parametrize(
    'preprocessor',
    [
        ClsDataPreprocessor(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=True),
        ClsDataPreprocessor(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0]),
        ClsDataPreprocessor(),
        ImgDataPreprocessor([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], bgr_to_rgb=True),
    ],
)
def test_the_graph_normalises_as_the_preprocessor_does(preprocessor):
    images = [torch.randint(0, 256, (3, 4, 4), dtype=torch.uint8) for _ in range(5)]
    batch = dict(inputs=images, data_samples=None)
    seen = PixelsToLogits(lambda x, mode: x, normalisation(preprocessor))
    found = seen(pixels_of(batch, preprocessor))
    wanted = preprocessor(batch, False)['inputs'].flatten(1)
    torch.testing.assert_close(found, wanted)
    # Pixels of a network that sees RGB are RGB, whatever the data set has.
    red = pixels_of(dict(inputs=[torch.eye(3).view(3, 3, 1)]), preprocessor)[0, :, 0, 0]
    swaps = getattr(preprocessor, 'to_rgb', True)
    assert red.tolist() == ([0, 0, 1] if swaps else [1, 0, 0])


@pytest.mark.parametrize(
    'keys, order',
    [
        (dict(type='mmpretrain.ClsDataPreprocessor', to_rgb=True), 'RGB'),
        (dict(type='ImgDataPreprocessor', bgr_to_rgb=True), 'RGB'),
        (dict(type='ImgDataPreprocessor', rgb_to_bgr=True), 'BGR'),
        (dict(type='ImgDataPreprocessor'), 'that of the data set'),
    ],
)
def test_the_order_of_the_channels_is_said(keys, order):
    source = source_of(model=dict(data_preprocessor=keys))
    source.preprocessor = MODELS.build(keys)
    source.checkpoint = 'epoch_1.pth'
    samples = SimpleNamespace(shape=(3, 4, 4), classes=[])
    assert about(source, samples)['channel_order'] == order


def source_of(**keys):
    model = dict(type='mmcls.ImageClassifier', backbone=dict(type='mmcls.ResNet'))
    cfg = Config(keys)
    return SimpleNamespace(cfg=cfg, model=Config(dict(m=model)).m)


def test_test_data_are_kept_as_far_as_they_are_plain():
    pictures = dict(
        type='ResidentLoader',
        batch_size=2,
        dataset=dict(
            type='mmcls.ImageNet',
            data_root='data',
            pipeline=[dict(type='LoadImageFromFile'), dict(type='mmcls.PackInputs')],
        ),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )
    metrics = [dict(type='mmcls.Accuracy', topk=(1, 5)), dict(type='CMIMetric')]
    source = source_of(val_dataloader=pictures, val_evaluator=metrics)
    config = plain_config(source)
    assert config.test_evaluator == [dict(type='Accuracy', topk=(1, 5))]
    assert config.test_dataloader == dict(
        batch_size=2,
        dataset=dict(
            type='ImageNet',
            data_root='data',
            pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')],
        ),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )
    assert config.test_cfg == {}
    assert config.model.type == 'ImageClassifier'
    pictures['dataset']['type'] = 'Digits'
    source = source_of(val_dataloader=pictures, val_evaluator=metrics)
    assert 'test_dataloader' not in plain_config(source)


@pytest.fixture
def small_run(tmp_path):
    write_small_run(tmp_path / 'run')
    return tmp_path / 'run'


def test_another_answer_is_an_error_and_leaves_what_was_there(small_run, monkeypatch):
    there = small_run / 'export/student.pt2'
    there.parent.mkdir()
    there.write_text('of an earlier export')

    def forward(self, pixels):
        return self.student((pixels - self.mean - 1) / self.std, mode='tensor')

    monkeypatch.setattr(PixelsToLogits, 'forward', forward)
    with pytest.raises(UserError, match=r'answers otherwise .*nothing is written'):
        export(str(small_run), 'torch-export')
    assert there.read_text() == 'of an earlier export'
    assert list(there.parent.iterdir()) == [there]
    with pytest.raises(UserError, match='answers otherwise'):
        export(str(small_run), 'torch-export', out=str(small_run / 'new'))
    assert not (small_run / 'new').exists()


@pytest.mark.parametrize('package', ['onnx', 'onnxruntime', 'onnxscript'])
def test_a_missing_package_is_named_with_its_remedy(package, small_run, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"{package}: pip install 'mcmi_plugin\["):
        export(str(small_run), 'onnx')
