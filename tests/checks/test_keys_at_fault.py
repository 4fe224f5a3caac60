"""The key that an error names is the one that is at fault."""

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn

from mcmi_plugin.checks import keys
from mcmi_plugin.checks.values import check_values
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import hard_labels
from mcmi_plugin.faults.closest import closest_file
from mcmi_plugin.faults.names import REFUSALS, explain
from mcmi_plugin.job_config import job_config, overridden
from mcmi_plugin.losses import CMILoss
from mcmi_plugin.teacher.model import num_classes_of
from mcmi_plugin.weights.loading import load_weights


def classifier(backbone: dict, head: dict) -> ConfigDict:
    return ConfigDict(
        type='mmpretrain.ImageClassifier',
        _scope_='mmpretrain',
        backbone=backbone,
        head=dict(head, loss=dict(type='CrossEntropyLoss')),
    )


def test_mixing_that_nothing_asks_for_is_said(monkeypatch):
    said = []
    monkeypatch.setattr(keys, 'log_warning', said.append)
    mixed = dict(train_cfg=dict(augments=dict(type='Mixup', alpha=0.8)))
    for architecture in (mixed, dict(train_cfg=None), {}):
        keys.tell_of_mixing(Config(dict(model=dict(architecture=architecture))))
    (line,) = said
    assert line.startswith('model.architecture.train_cfg.augments mixes no image')


IN_BACKBONE = [
    dict(type='VGG', depth=11),
    dict(type='AlexNet'),
    dict(type='InceptionV3'),
    dict(type='LeNet5'),
]


@pytest.mark.parametrize('backbone', IN_BACKBONE, ids=lambda b: b['type'])
def test_classes_that_the_backbone_counts(backbone):
    MODELS.get('mmpretrain.VGG')  # registers them
    model = classifier(backbone, dict(type='ClsHead'))
    with pytest.raises(
        UserError, match=r'^model.teacher.backbone.num_classes is not s'
    ):
        num_classes_of(model)
    model.backbone.num_classes = 11
    assert num_classes_of(model) == 11
    linear = classifier(backbone, dict(type='LinearClsHead'))
    with pytest.raises(UserError, match=r'^model.teacher.head.num_classes is not set'):
        num_classes_of(linear)


def test_an_argument_is_looked_for_where_it_is_refused():
    teacher = classifier(
        dict(type='VGG', depth=11, num_classes=11), dict(type='ClsHead', num_classes=11)
    )
    cfg = Config(dict(model=dict(teacher=teacher)))
    with pytest.raises(UserError, match=r'^model.teacher.head.num_classes is no arg'):
        try:
            MODELS.build(teacher)
        except REFUSALS as error:
            explain(error, cfg)
    # As well where no traceback tells: the class that refuses is a base of the head's.
    words = "ClsHead.__init__() got an unexpected keyword argument 'num_classes'"
    cfg.model.teacher.head.type = 'mmpretrain.VisionTransformerClsHead'
    with pytest.raises(UserError, match=r'^model.teacher.head.num_classes is no arg'):
        explain(TypeError(words), cfg)


def test_a_name_of_another_scope_has_its_arguments_compared():
    cfg = Config(dict(model=classifier(dict(type='VGG', depht=11), dict(type='X'))))
    words = "VGG.__init__() got an unexpected keyword argument 'depht'"
    with pytest.raises(UserError, match=r'did you mean model.backbone.depth\?'):
        explain(TypeError(words), cfg)


@pytest.mark.parametrize(
    ('head', 'said'),
    [
        ('LeViTClsHead', 'set model.teacher.head.distillation=False'),
        ('EfficientFormerClsHead', 'set model.teacher.head.distillation=False'),
    ],
)
def test_a_head_that_is_not_to_be_trained(head, said):
    config = dict(type=f'mmpretrain.{head}', num_classes=3, in_channels=4)
    cfg = Config(dict(model=dict(teacher=dict(head=config))))
    module = MODELS.build(dict(config, distillation=True, _scope_='mmpretrain'))
    samples = [DataSample().set_gt_label(0)] * 2
    with pytest.raises(UserError, match=f'^model.teacher.head: {head} cannot .*{said}'):
        try:
            module.loss((torch.randn(2, 4),), samples)
        except REFUSALS as error:
            explain(error, cfg)


@pytest.mark.parametrize('scores', [(torch.zeros(2, 3),) * 2, torch.zeros(2, 4, 3)])
def test_scores_that_are_no_logits(scores):
    with pytest.raises(UserError, match=r'^model.teacher.head: it gives .*no \[B, C\]'):
        CMILoss(0.1, 3)(scores, torch.zeros(2).long())


class Network(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.conv = nn.Conv2d(3, width, 3)
        self.head = nn.Module()
        self.head.fc = nn.Linear(width, classes)


def test_only_the_last_layer_has_a_row_for_each_class():
    def said(width: int, classes: int) -> str:
        with pytest.raises(UserError) as caught:
            load_weights(Network(4, 3), Network(width, classes).state_dict(), 'a.pth')
        return str(caught.value)

    assert '5 classes in the file, 3 in the config: set model.teacher.head' in said(
        4, 5
    )
    assert said(6, 3) == 'model.teacher_ckpt: a.pth has backbone.conv.weight ' + (
        '(6, 3, 3, 3), not (4, 3, 3, 3)'
    )


def test_the_backbones_last_layer_is_named():
    small, large = (
        MODELS.build(
            classifier(dict(type='LeNet5', num_classes=n), dict(type='ClsHead'))
        )
        for n in (3, 4)
    )
    with pytest.raises(UserError, match='set model.teacher.backbone.num_classes'):
        load_weights(small, large.state_dict(), 'a.pth')


def test_a_folder_is_no_file_that_was_meant(tmp_path, monkeypatch):
    (tmp_path / '.pyenv').mkdir()
    (tmp_path / 'nets.py').write_text('')
    assert closest_file(f'is not in {tmp_path}/.pyenv/versions') == ''
    assert (
        closest_file(f'no {tmp_path}/net.py:') == f'; did you mean {tmp_path}/nets.py?'
    )


def test_a_custom_import_that_fails_is_one_short_line(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("custom_imports = dict(imports=['not_there'])\nmodel = dict()\n")
    with pytest.raises(UserError) as caught:
        job_config(str(path), {})
    assert str(caught.value) == (
        f"{path}: custom_imports: No module named 'not_there'; if it is a file of "
        'yours, put PYTHONPATH=ITS_FOLDER before the command'
    )


@pytest.mark.parametrize(
    ('labels', 'said'),
    [
        (torch.tensor([[1.0, 1, 0], [0, 1, 0]]), 'the data are multi-label'),
        (torch.tensor([[0, 0, 0], [0, 1, 0]]), 'the data are multi-label'),
        (torch.tensor([[0.5, 0.5, 0], [0, 1, 0]]), 'remove mixup/cutmix'),
        (torch.tensor([0.0, 1.0]), 'these are numbers of torch.float32'),
    ],
)
def test_labels_are_called_what_they_are(labels, said):
    with pytest.raises(UserError, match=f'^CMILoss: hard labels needed: {said}'):
        CMILoss(0.0, 3)(torch.zeros(2, 3), labels)


def test_samples_of_several_labels():
    samples = [DataSample().set_gt_label([0, 2]), DataSample().set_gt_label(1)]
    with pytest.raises(UserError, match='several labels.*multi-label'):
        hard_labels(samples)


@pytest.mark.parametrize('key, option', [('fast', 'graph'), ('teacher_store', 'views')])
@pytest.mark.parametrize('on', ['in the config', 'in the command', 'in both'])
def test_a_key_that_is_on_takes_an_option(key, option, on, tmp_path):
    file = tmp_path / 'mine.py'
    said = f'{key} = True\n' * (on != 'in the command')
    file.write_text(f"model = dict(type='Net')\n{said}")
    switch = {key: True} if on != 'in the config' else {}
    cfg = overridden(str(file), {**switch, f'{key}.{option}': 1})
    assert cfg[key] == {option: 1}


@pytest.mark.parametrize(
    'cfg', [dict(work_dir=2024), dict(model=dict(teacher_ckpt=['a', 'b.pth']))]
)
def test_a_path_is_a_text(cfg):
    with pytest.raises(UserError, match=r'=.*: must be a path, as a text in quotes$'):
        check_values(Config(cfg))
