"""What must hold before the first cell of a study is trained."""

import json
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.registry import DATASETS

from mcmi_plugin.cells.cell import Cell
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.checks.teacher import check_teacher
from mcmi_plugin.datasets.class_selection import named_classes
from mcmi_plugin.datasets.part import LOADERS
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.people import read_people
from mcmi_plugin.job_config import job_config
from mcmi_plugin.networks import built
from mcmi_plugin.type_names import short_name
from mcmi_plugin.weights.held import file_of
from mcmi_plugin.weights.loading import local_file
from mcmi_study.measures_people import PEOPLE
from mcmi_study.names import require_known


def check_controls(content: dict, path: str) -> None:
    """A study names its controls, or says why there are none.

    Raises:
        UserError: it does not.
    """
    if 'controls' in content:
        if content['controls'] is not None or not content.get('note'):
            raise UserError(
                f'{path}: controls={content["controls"]!r}: leave it out and name '
                'baseline and control among the arms, or say controls=None and give '
                'the reason in note'
            )
        return
    for key, meaning in (
        ('baseline', 'the MLL teacher'),
        ('control', 'the same fine-tune with lambda = 0'),
    ):
        if content.get(key) is None:
            raise UserError(
                f'{path}: study.{key} is not set; name the arm of {meaning}, without '
                'which no gain can be told'
            )
        require_known(content[key], content['arms'], 'arm', f'{path}: {key}')


def check_cells(cells: Sequence[Cell], content: dict) -> None:
    """Cells' configs can be read and run, as far as one sees beforehand.

    Raises:
        UserError: the first cell that cannot; no data or teacher; the test set
            chooses something; or a control that is none.
    """
    seen = set()
    for cell in cells:
        try:
            cfg = job_config(cell.config, cell.options, cell.directory.as_posix())
            _check_test_set(cfg, content['measures'])
            _check_is_control(cfg, cell.arm, content)
            check_teacher(cfg)
            source = cfg.get('model', {}).get('teacher_ckpt')
            data = {key: cfg.get(key) for key in (*LOADERS, 'people_counts')}
            data['teacher'] = (cfg.get('mcmi') or {}).get('dataset')
            text = json.dumps([source, data], sort_keys=True, default=str)
            if text in seen:
                continue
            seen.add(text)
            check_data(cfg)
            _check_wrappers(cfg)
            _check_people(cfg, content['measures'])
            if source and '://' not in file_of(source):
                local_file(source)
        except UserError as error:
            name = cell.name.removesuffix(f', seed {cell.seed}')
            raise UserError(f'{name}: {error}') from error


def _check_wrappers(cfg: Config) -> None:
    """Data sets that choose among samples are built once, which checks the choice."""
    chosen = {key: cfg[key].dataset for key in LOADERS if cfg.get(key)}
    chosen['mcmi'] = (cfg.get('mcmi') or {}).get('dataset')
    for key, dataset in chosen.items():
        if dataset and 'dataset' in dataset:
            try:
                built(DATASETS, dataset, cfg)
            except UserError as error:
                raise UserError(f'{key}.dataset: {error}') from error


def _check_people(cfg: Config, measures: list) -> None:
    names = {m if isinstance(m, str) else m['type'] for m in measures}
    if cfg.get('people_counts') and names & PEOPLE.keys():
        dataset = built(DATASETS, cfg.test_dataloader.dataset, cfg)
        classes = len(named_classes(dataset)) or None
        read_people(cfg.people_counts, len(dataset), classes)


def _check_test_set(cfg: Config, measures: list) -> None:
    if not cfg.get('test_dataloader'):
        raise UserError('test_dataloader is not set; the cell could not be measured')
    mcmi = cfg.get('mcmi') or {}
    choosers = {
        'mcmi.early_stopping': mcmi.get('early_stopping'),
        'mcmi.temperature': mcmi.get('temperature') == 'validation',
        'held_out_accuracy': 'held_out_accuracy' in measures,
    }
    chosen_by = [name for name, chooses in choosers.items() if chooses]
    val = cfg.get('val_dataloader')
    test = cfg.test_dataloader
    if chosen_by and (not val or may_share_images(val.dataset, test.dataset)):
        raise UserError(
            f'{chosen_by[0]} would choose by the test set; let val_dataloader.dataset '
            'be a part of the training set, for example HoldOut'
        )


# What is said of a data set beside which images it has; some of them are of all.
_BESIDE = ('pipeline', 'indices', 'test_mode', 'lazy_init', 'metainfo', 'max_refetch')


def may_share_images(one: dict, other: dict) -> bool:
    """Whether two data sets' configs may have an image in common.

    Two parts of one set by ``HoldOut``, or by lists of indices, have none.
    """
    some, others = one.get('indices'), other.get('indices')
    listed = (list, tuple)
    both = isinstance(some, listed) and isinstance(others, listed)
    if both and set(some or ()).isdisjoint(others or ()):
        return False
    first, second = _choice(one), _choice(other)
    if 'part' in first and 'part' in second and first['of'] == second['of']:
        return first['part'] == second['part']
    return _whole(first) == _whole(second)


def _choice(dataset: dict) -> dict:
    """What decides which images a data set has, of its wrappers ``HoldOut`` alone."""
    if 'datasets' in dataset:
        return dict(datasets=[_choice(one) for one in dataset['datasets']])
    if 'dataset' not in dataset:
        return {k: v for k, v in dataset.items() if k not in _BESIDE}
    inner = _choice(dataset['dataset'])
    if short_name(dataset.get('type')) != 'HoldOut':
        return inner
    split = [dataset.get('fraction'), dataset.get('seed', 0), inner]
    return dict(part=dataset.get('part', 'train'), of=split)


def _whole(choice: dict) -> dict:
    return _whole(choice['of'][-1]) if 'part' in choice else choice


def _check_is_control(cfg: Config, arm: str, content: dict) -> None:
    mcmi = cfg.get('mcmi') or {}
    if arm == content.get('baseline') and mcmi and mcmi.get('form') != 'none':
        raise UserError(
            'is the baseline, but its teacher is fine-tuned; set mcmi.form to none'
        )
    if arm == content.get('control') and mcmi.get('lmda') != 0:
        raise UserError(
            f'is the control, but mcmi.lmda={mcmi.get("lmda")!r}; set mcmi.lmda to 0'
        )
