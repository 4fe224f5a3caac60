"""As many outputs as the data have classes, before anything is trained."""

from typing import NamedTuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpretrain.datasets import CustomDataset

from mcmi_plugin.checks.data_set import (
    as_seen_by_its_class,
    class_folders,
    known_class_names,
    type_name,
)
from mcmi_plugin.checks.folders import hidden, misplaced
from mcmi_plugin.checks.outputs import check_topk
from mcmi_plugin.errors import UserError, unlike
from mcmi_plugin.networks import classes_place, part_of, standing_alone
from mcmi_plugin.teacher.start import given_teacher

# Wrappers that leave the labels as they are.
_TRANSPARENT = (
    *('RepeatDataset', 'ClassBalancedDataset', 'CRDDataset'),
    *('ClassFraction', 'HoldOut'),
)
# Beginnings of the names of the modules that put the logits out, where they are said by
# the head, a backbone with a classifier in it, or the classifier (timm's) itself.
_LOGITS = {
    'head': ('head',),
    'backbone': ('backbone.classifier', 'backbone.fc'),
    '': ('model',),
}
# Losses of the logits that want [B, C] of both networks, with one C.
_CLASS_BY_CLASS = (
    *('KLDivergence', 'DKDLoss', 'DISTLoss', 'WSLD', 'KDSoftCELoss', 'HSAKDLoss'),
)


def check_classes(cfg: Config) -> None:
    """The student's and the teacher's heads have an output for every class.

    And one number of them where a loss compares their logits. The teacher must have
    one for every class of ``mcmi.dataset`` too, and none beside them where its
    centroids are taken.

    Folders of one's own, one a class, must also be the same in every split, and class
    names in the same order: that is what the labels count. Where a data set or a
    network does not tell, nothing is checked here.

    Raises:
        UserError: it names the head and the data set.
    """
    scope = cfg.get('default_scope')
    config = _labelled((cfg.get('train_dataloader') or {}).get('dataset') or {})
    dataset = _seen(config, scope)
    for key in ('val_dataloader.dataset', 'test_dataloader.dataset', 'mcmi.dataset'):
        other = _seen(_labelled(_at(cfg, key) or {}), scope)
        _check_same_folders(key, other, dataset)
        if key != 'test_dataloader.dataset':  # which is not read here
            _check_same_names(key, other, dataset)
    heads = _heads(cfg)
    for side, head in heads.items():
        _check_outputs(head, 'train_dataloader.dataset', config, dataset)
        if side == 'teacher':
            learnt_from = ('train_dataloader.dataset', config, dataset)
            if own := _labelled(_at(cfg, 'mcmi.dataset') or {}):
                learnt_from = ('mcmi.dataset', own, _seen(own, scope))
                _check_outputs(head, *learnt_from)
            _check_centroids(cfg, head, *learnt_from)
    if len(heads) == 2:
        _check_logits_meet(cfg, *heads.values())
    if cfg.get('val_dataloader'):
        outputs = {head.key: head.outputs for head in heads.values()}
        check_topk(cfg.get('val_evaluator'), outputs)


class _Head(NamedTuple):
    """Where a network says its classes, how many, and how to set them."""

    key: str
    outputs: int
    in_file: str | None  # named by cfg_path, whose own numbers go first

    def says(self) -> str:
        return f'{self.key}={self.outputs}' + f' of {self.in_file}' * bool(self.in_file)

    def remedy(self, number: int) -> str:
        if self.in_file:
            return (
                f'have {number} in the file that cfg_path names, or write its network '
                'out in place of cfg_path'
            )
        return f'set {self.key}={number}'


def _heads(cfg: Config) -> dict[str, _Head]:
    """Of student and teacher, where their configs tell."""
    heads: dict[str, _Head] = {}
    for side in ('architecture', 'teacher'):
        network = cfg.get('model', {}).get(side)
        if not isinstance(network, dict):
            continue
        in_file = network.get('cfg_path')
        network = standing_alone(network, cfg.model)
        place = classes_place(network)
        outputs = place and part_of(network, place[0]).get(place[1])
        # A backbone with no classifier in it has -1 or 0 outputs.
        if place and isinstance(outputs, int) and outputs > 0:
            key = '.'.join(filter(None, ('model', side, *place)))
            heads[side] = _Head(key, outputs, in_file)
    return heads


def _check_outputs(
    head: _Head, key: str, config: dict, dataset: BaseDataset | None
) -> None:
    names = _number_counts(config, dataset) and known_class_names(dataset)
    if names and head.outputs < len(names):
        raise UserError(
            f'{head.says()}, but {key} ({type_name(config)}) has {len(names)} '
            f'classes{hidden(class_folders(dataset) or [])}; ' + head.remedy(len(names))
        )


def _check_centroids(
    cfg: Config, head: _Head, key: str, config: dict, dataset: BaseDataset | None
) -> None:
    """A teacher that is fine-tuned has no output for classes that the data lack."""
    names = _number_counts(config, dataset) and known_class_names(dataset)
    if names and head.outputs > len(names) and _is_fine_tuned(cfg):
        raise UserError(
            f'{head.says()}, but {key} ({type_name(config)}) has {len(names)} classes, '
            f'and a class without a sample has no centroid; {head.remedy(len(names))}, '
            'and take their rows of the teacher: tools/convert_checkpoint.py --classes'
        )


def _is_fine_tuned(cfg: Config) -> bool:
    """Whether centroids will be taken of the teacher, as far as the config tells.

    An MCMI teacher is used as it is, and ``load_from`` may hold one.
    """
    options = cfg.get('mcmi') or {}
    if not options or options.get('form') == 'none' or cfg.get('load_from'):
        return False
    start = given_teacher(cfg)
    if start is None:
        return options.get('mll_epochs') is not None
    return start.made.get('stage') != 'mcmi'


def _check_logits_meet(cfg: Config, student: _Head, teacher: _Head) -> None:
    """Both have one number of outputs where a loss compares them class by class.

    Where features alone are compared, the heads may differ, as in plain MMRazor.
    """
    if student.outputs == teacher.outputs:
        return
    distiller = cfg.model.get('distiller') or {}
    for name, loss in (distiller.get('distill_losses') or {}).items():
        kind = type_name(loss)
        inputs = (distiller.get('loss_forward_mappings') or {}).get(name) or {}
        read = [head for head in (student, teacher) if _reads(head, inputs, distiller)]
        if kind in _CLASS_BY_CLASS and len(read) == 2:
            raise UserError(
                f'{student.says()}, but {teacher.says()}, and '
                f'model.distiller.distill_losses.{name} ({kind}) compares the two '
                f'class by class; {student.remedy(teacher.outputs)}, or take a teacher '
                'of the same classes'
            )


def _reads(head: _Head, inputs: dict, distiller: dict) -> bool:
    """Whether a loss gets the logits of this side as they are."""
    _, side, *part, _ = head.key.split('.')
    side = 'student' if side == 'architecture' else side
    recorders = distiller.get(f'{side}_recorders') or {}
    sources = [
        str(recorders.get(record.get('recorder'), {}).get('source'))
        for record in inputs.values()
        if record.get('from_student') is (side == 'student')
        and not record.get('connector')
    ]
    return any(source.startswith(_LOGITS[''.join(part)]) for source in sources)


def _at(cfg: Config, key: str) -> dict | None:
    part = cfg
    for name in key.split('.'):
        part = (part or {}).get(name)
    return part


def _labelled(config: dict) -> dict:
    """The data set that says what the labels are, inside its wrappers."""
    while type_name(config) in _TRANSPARENT and isinstance(config.get('dataset'), dict):
        config = config['dataset']
    return config


def _seen(config: dict, scope: str | None) -> BaseDataset | None:
    try:
        return as_seen_by_its_class(config, scope)
    except OSError:
        return None  # of a data set that this training may not need


def _number_counts(config: dict, dataset: BaseDataset | None) -> bool:
    """Whether the labels must be as many as the names.

    A list of files under a class's own thousand names may be of any of them.
    """
    if isinstance(dataset, CustomDataset) and dataset.ann_file:
        return bool(
            (config.get('metainfo') or {}).get('classes') or config.get('classes')
        )
    return True


def _check_same_folders(
    key: str, dataset: BaseDataset | None, of_training: BaseDataset | None
) -> None:
    found, wanted = class_folders(dataset), class_folders(of_training)
    # A test set without folders has no labels, and is not asked for any in training.
    if not found or wanted is None or found == wanted:
        return
    missing = sorted(set(wanted) - set(found))
    foreign = sorted(set(found) - set(wanted))
    raise UserError(
        f'{key}: not the class folders of train_dataloader.dataset: '
        f'{unlike(missing, foreign)}; labels count the folders, hidden ones too, so '
        'make them the same (they may be empty)'
    )


def _check_same_names(
    key: str, dataset: BaseDataset | None, of_training: BaseDataset | None
) -> None:
    found, wanted = (
        known_class_names(dataset) or [],
        known_class_names(of_training) or [],
    )
    wrong = misplaced(found, wanted)
    if wrong is not None:
        raise UserError(
            f'{key}: class {wrong} is called {found[wrong]!r}, another class than in '
            'train_dataloader.dataset; give both the same names in the same order'
        )
