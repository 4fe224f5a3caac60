"""Classes of teacher, student, data and names fit, before anything is computed."""

import pytest
import torch
from imagenet_folder import CLASSES, write_folder
from mmengine.config import Config
from mmpretrain.evaluation import Accuracy

from mcmi_plugin.checks.classes import check_classes
from mcmi_plugin.checks.outputs import explain_labels
from mcmi_plugin.errors import UserError

KL = dict(type='KLDivergence')


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path)  # of four classes
    return tmp_path


def network(outputs: int, where: str = 'head') -> dict:
    if where == '':
        return dict(type='mmpretrain.TimmClassifier', num_classes=outputs)
    backbone = dict(type='mmpretrain.VGG', depth=11)
    parts = dict(head=dict(type='mmpretrain.ClsHead'), backbone=backbone)
    parts[where]['num_classes'] = outputs
    return dict(type='mmpretrain.ImageClassifier', **parts)


def config(root, student: dict, teacher: dict, loss: dict = KL, **more) -> Config:
    def source_of(part: dict) -> str:
        if 'backbone' not in part:
            return 'model.fc'
        in_head = 'num_classes' in part.get('head', {}) or 'cfg_path' in part
        return 'head.fc' if in_head else 'backbone.classifier.6'

    def recorders(part: dict) -> dict:
        return dict(logits=dict(type='ModuleOutputs', source=source_of(part)))

    def of(from_student: bool) -> dict:
        return dict(recorder='logits', from_student=from_student)

    dataset = dict(type='CustomDataset', data_root=str(root), data_prefix='train')
    distiller = dict(
        student_recorders=recorders(student),
        teacher_recorders=recorders(teacher),
        distill_losses=dict(loss=loss),
        loss_forward_mappings=dict(loss=dict(preds_S=of(True), preds_T=of(False))),
    )
    model = dict(architecture=student, teacher=teacher, distiller=distiller)
    return Config(
        dict(
            model=model,
            train_dataloader=dict(dataset=dataset),
            default_scope='mmpretrain',
            **more,
        )
    )


def error_of(cfg: Config) -> str:
    with pytest.raises(UserError) as caught:
        check_classes(cfg)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('where', ['head', 'backbone', ''])
@pytest.mark.parametrize('mcmi', [None, dict(lmda=0.1)])
def test_a_head_left_at_1000(where, mcmi, root):
    """Whose logits KD would compare with the teacher's of four, after its stage."""
    cfg = config(root, network(1000, where), network(4), mcmi=mcmi)
    key = '.'.join(filter(None, ('model.architecture', where, 'num_classes')))
    message = error_of(cfg)
    assert message.startswith(f'{key}=1000, but model.teacher.head.num_classes=4, ')
    assert 'distill_losses.loss (KLDivergence)' in message
    assert f'set {key}=4' in message
    cfg.merge_from_dict({key: 4})
    check_classes(cfg)


@pytest.mark.parametrize('where', ['head', 'backbone', ''])
def test_fewer_outputs_than_classes(where, root):
    cfg = config(root, network(4), network(3, where))
    key = '.'.join(filter(None, ('model.teacher', where, 'num_classes')))
    message = error_of(cfg)
    assert message.startswith(f'{key}=3, but train_dataloader.dataset (CustomDataset)')
    assert message.endswith(f'has 4 classes; set {key}=4')


@pytest.mark.parametrize(
    ('evaluator', 'key'),
    [
        (dict(type='Accuracy', topk=(1, 5)), 'val_evaluator'),
        ([dict(type='CMIMetric'), dict(type='mmpretrain.Accuracy', topk=5)], '.1'),
        (dict(type=Accuracy, topk=[1, 5]), 'val_evaluator'),
    ],
)
def test_an_accuracy_among_more_classes_than_there_are(evaluator, key, root):
    more = dict(val_evaluator=evaluator, val_dataloader={})
    cfg = config(root, network(4), network(4), **more)
    cfg.val_dataloader = cfg.train_dataloader
    message = error_of(cfg)
    assert f'{key}.topk=' in message and message.endswith('.topk=1')
    assert 'model.architecture.head.num_classes=4' in message
    cfg.val_evaluator = dict(type='Accuracy', topk=(1, 4))
    check_classes(cfg)


def test_a_label_that_the_network_has_no_output_for():
    with pytest.raises(IndexError) as caught:
        torch.nn.functional.cross_entropy(torch.zeros(1, 3), torch.tensor([3]))
    with pytest.raises(UserError, match=r'^train_dataloader.dataset: label 3 is not '):
        explain_labels(caught.value)


def test_what_plain_mmrazor_takes_is_taken(root):
    # A wider head than the data have classes, on both sides.
    check_classes(config(root, network(1000), network(1000, 'backbone')))
    # Heads of unequal width whose logits do not meet: other losses, other features.
    check_classes(config(root, network(1000), network(4), dict(type='PKTLoss')))
    cfg = config(root, network(1000), network(4))
    for side in ('student', 'teacher'):
        cfg.model.distiller[f'{side}_recorders'].logits.source = 'neck.gap'
    check_classes(cfg)
    cfg = config(root, network(1000), network(4))
    record = cfg.model.distiller.loss_forward_mappings.loss.preds_S
    record.connector = 'to_four'
    check_classes(cfg)
    # Nobody says it.
    unsaid = dict(type='Mine')
    check_classes(config(root, unsaid, network(4)))


@pytest.mark.parametrize('outputs', [3, 1000])
def test_network_by_cfg_path(outputs, root, tmp_path):
    file = tmp_path / 'student.py'
    file.write_text(f'model = {network(outputs)!r}\n')
    by_path = dict(cfg_path=str(file), backbone={})
    cfg = config(root, by_path, network(4))
    message = error_of(cfg)
    assert message.startswith(
        f'model.architecture.head.num_classes={outputs} of {file}'
    )
    assert 'have 4 in the file that cfg_path names' in message
    file.write_text(f'model = {network(4)!r}\n')
    check_classes(cfg)


def test_the_teachers_own_data(root, tmp_path):
    names = [*CLASSES, 'gnu']
    own = dict(type='CustomDataset', data_root=str(root), ann_file='x', classes=names)
    mcmi = dict(dataset=own)
    (root / 'x').write_text('')
    message = error_of(config(root, network(4), network(4), mcmi=mcmi))
    assert message.startswith('model.teacher.head.num_classes=4, but mcmi.dataset')
    assert 'has 5 classes' in message
    check_classes(config(root, network(5), network(5), mcmi=mcmi))


def test_a_teacher_wider_than_the_data_it_is_fine_tuned_on(root, tmp_path):
    """Not after the whole teacher stage, or a pass over the data."""
    cfg = config(root, network(1000), network(1000), mcmi=dict(mll_epochs=9))
    message = error_of(cfg)
    assert message.startswith(
        'model.teacher.head.num_classes=1000, but train_dataloader.dataset '
        '(CustomDataset) has 4 classes'
    )
    assert 'set model.teacher.head.num_classes=4' in message
    assert 'convert_checkpoint.py --classes' in message
    cfg.mcmi.form = 'none'  # measured only
    check_classes(cfg)
    cfg.mcmi.form = 'fixed'
    cfg.model.teacher_ckpt = str(tmp_path / 'teacher.pth')
    meta = dict(mcmi=dict(stage='mcmi'))
    weights = dict(weight=torch.zeros(1))
    torch.save(dict(state_dict=weights, meta=meta), cfg.model.teacher_ckpt)
    check_classes(cfg)  # used as it is
    torch.save(dict(state_dict=weights), cfg.model.teacher_ckpt)
    assert error_of(cfg) == message
    cfg.load_from = 'run/epoch_1.pth'  # which may hold an MCMI teacher
    check_classes(cfg)


@pytest.mark.parametrize('wrapper', ['HoldOut', 'ClassFraction', 'RepeatDataset'])
def test_classes_below_wrappers(wrapper, root):
    cfg = config(root, network(3), network(4))
    inner = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type=wrapper, dataset=inner)
    assert 'has 4 classes' in error_of(cfg)
