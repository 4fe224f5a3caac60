"""From a distillation config to the file of its MCMI teacher."""

import functools
import os
import os.path as osp
from collections.abc import Callable
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dist import (
    barrier,
    broadcast_object_list,
    get_world_size,
    is_main_process,
)
from mmengine.logging import print_log
from mmengine.registry import DATASETS, DefaultScope

from mcmi_plugin.errors import UserError
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job import Place, Plan
from mcmi_plugin.teacher import recipe, store
from mcmi_plugin.teacher.content import Content, content_of
from mcmi_plugin.teacher.data import plain_dataset, with_dataset
from mcmi_plugin.teacher.earlier import tell_if_earlier, tell_of_earlier
from mcmi_plugin.teacher.handover import hand_over
from mcmi_plugin.teacher.held import DISTILLED, OF_TEACHER, UNFINISHED
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.planned import epochs_in_words, is_control, title_of
from mcmi_plugin.teacher.stage import (
    remove_checkpoints,
    run_stage,
    versions,
)
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_plugin.teacher.weights import read_weights, weights_hash


def provide_teacher(
    cfg: Config,
    options: TeacherOptions,
    dataset: Any = None,
    resume: bool = False,
    held: tuple[str, dict, dict] | None = None,
    plan: Plan | None = None,
) -> str:
    """The path of the MCMI teacher that ``cfg`` asks for, made now if need be.

    All processes of a job call it together and get the same path.

    Args:
        cfg: the distillation config.
        options: what ``mcmi`` says.
        dataset: ``train_dataloader.dataset`` of ``cfg``, where it is built already;
            what it holds is of the recipe.
        resume: continue an interrupted stage instead of starting it again.
        held: file, state dict and ``meta`` of a teacher that ``load_from`` or an
            ``init_cfg`` has filled already, where that is the one to start from.
        plan: the stages of the job, for the words that announce them.

    Raises:
        UserError: no teacher to start from, or it cannot be made.
    """
    plan = plan or Plan({}, 0)
    _check_validation(cfg, options)
    if options.dataset is not None:
        cfg, dataset = with_dataset(cfg, options.dataset), None
    job = (cfg, options, Samples(cfg, cfg.train_dataloader.dataset, dataset))
    base = _base(*job, resume, held, plan)
    source, _, meta = base
    given = meta.get('mcmi') or {}
    if given.get('stage') == 'mcmi':
        words = (
            f'{source} is an MCMI teacher already ({dial(given)}); it is used as it is'
        )
        print_log(plan.place('mcmi').before(words), logger='current')
    elif options.form == 'none':
        return _handed_over(*job, base)
    else:
        source = _trained(*job, 'mcmi', base, resume, plan)
        base = (source, *read_weights(source, 'mcmi.teacher_dir'))
    return source if options.temperature is None else _handed_over(*job, base)


class Samples:
    """A data set of a config, looked into when first asked what it holds.

    Args:
        cfg: the distillation config.
        config: of the data set.
        dataset: the same, built, where it is.
    """

    def __init__(self, cfg: Config, config: ConfigDict, dataset: Any = None) -> None:
        self._scope = cfg.get('default_scope') or 'mmpretrain'
        self._config = plain_dataset(config)
        self._dataset = dataset

    @functools.cached_property
    def content(self) -> Content:
        """The same on all processes, which ask together; one of them looks."""
        return _on_all(self._look)

    def _look(self) -> Content:
        dataset = self._dataset
        with isolated():  # a data set may draw random numbers, and MMRazor's do
            if dataset is None:
                with DefaultScope.overwrite_default_scope(self._scope):
                    dataset = DATASETS.build(self._config)
            return content_of(dataset, self._config.to_dict())


def provide_control(
    cfg: Config,
    options: TeacherOptions,
    dataset: Any = None,
    resume: bool = False,
    held: tuple[str, dict, dict] | None = None,
    plan: Plan | None = None,
) -> str | None:
    """The lambda = 0 control of the teacher that :func:`provide_teacher` has given.

    Arguments and errors are the same.

    Returns:
        Its path; None where that teacher was an MCMI teacher already, of whose own
        start nothing is here: the same fine-tune from it would be no control.
    """
    source, _, meta = _given(cfg, held)
    if (meta.get('mcmi') or {}).get('stage') == 'mcmi':
        print_log(
            f'mcmi.control: {source} was an MCMI teacher already, so there is no '
            'control; start from the teacher that it was made from to have one',
            logger='current',
            level=30,
        )
        return None
    return provide_teacher(cfg, options.of_control(), dataset, resume, held, plan)


def dial(provenance: dict) -> str:
    """``lambda 0.1``, or ``budget 0.02 nats``: what a teacher was made with."""
    if provenance.get('form') == 'budget':
        return f'budget {provenance["eps"]:g} nats'
    return f'lambda {provenance["lmda"]:g}'


def _check_validation(cfg: Config, options: TeacherOptions) -> None:
    if cfg.get('val_dataloader'):
        return
    for key, value in (('early_stopping', True), ('temperature', 'validation')):
        if getattr(options, key) == value:
            raise UserError(
                f'mcmi.{key}={value}: judges by val_dataloader, which the config does '
                f'not have; set val_dataloader, or leave mcmi.{key} out'
            )


def _base(
    cfg: Config,
    options: TeacherOptions,
    samples: Samples,
    resume: bool,
    held: tuple[str, dict, dict] | None,
    plan: Plan,
) -> tuple[str, dict, dict]:
    """The teacher to start from: its source, weights and ``meta``."""
    source, weights, meta = _given(cfg, held)
    if source is None and options.mll_epochs is None:
        raise UserError(
            'model.teacher_ckpt is not set: MCMI fine-tunes a pre-trained teacher; '
            'name one, or set mcmi.mll_epochs to train it first'
        )
    if source is None:
        if is_control(options) and 'control' in plan.epochs:
            plan = Plan({}, 0)  # that stage was before: it is looked up once more
        source = _trained(cfg, options, samples, 'mll', None, resume, plan)
        weights, meta = read_weights(source, 'mcmi.teacher_dir')
    if (meta.get('mcmi') or {}).get('stage') == UNFINISHED:
        print_log(
            f'{source} is a checkpoint on the way of a fine-tune, and is fine-tuned '
            'from there; name the teacher.pth beside it to use the finished teacher, '
            'or the teacher that it began with',
            logger='current',
            level=30,
        )
    return source, weights, meta


def _given(
    cfg: Config, held: tuple[str, dict, dict] | None
) -> tuple[str | None, dict, dict]:
    """The teacher that a config names: as :func:`_base`, or None for its source."""
    if held is not None:
        return held
    source, key, prefix = base_source(cfg)
    if source is None:
        return None, {}, {}
    return source, *read_weights(source, key, prefix)


def base_source(cfg: Config) -> tuple[str | None, str, str]:
    """Where the teacher's weights come from: source, config key, key prefix."""
    if cfg.model.get('teacher_ckpt'):
        return cfg.model.teacher_ckpt, 'model.teacher_ckpt', ''
    init: Any = cfg.model.get('init_cfg') or []
    parts: list[Any] = [init] if isinstance(init, dict) else init
    for part in parts:
        if part.get('type') == 'Pretrained':  # of the whole distiller, as in ABLoss
            return part.checkpoint, 'model.init_cfg.checkpoint', OF_TEACHER
    return None, 'model.teacher_ckpt', ''


def _trained(
    cfg: Config,
    options: TeacherOptions,
    samples: Samples,
    stage: str,
    base: tuple | None,
    resume: bool,
    plan: Plan,
) -> str:
    """The teacher of one stage, ``'mll'`` or ``'mcmi'``."""
    counted = 'control' if stage == 'mcmi' and is_control(options) else stage
    place = plan.place(counted if counted in plan.epochs else stage)
    source, weights, base_meta = base or (None, None, {})
    stage_cfg = stage_config(cfg, options, stage, work_dir='')
    val = None
    if stage_cfg.default_hooks.checkpoint.get('save_best'):
        val = Samples(cfg, stage_cfg.val_dataloader.dataset).content
    made_by = recipe.recipe_of(
        stage_cfg, options, samples.content, weights and weights_hash(weights), val
    )

    def make() -> tuple[dict, dict]:
        state, record = run_stage(stage_cfg, resume, weights, source or '', place)
        mcmi = dict(
            stage=stage,
            lmda=options.lmda if stage == 'mcmi' else 0.0,
            recipe=made_by,
            base=_before(source, base_meta.get('mcmi', {})),
        )
        if stage == 'mcmi':
            mcmi.update(form=options.form, eps=options.eps, reward=options.reward)
        return state, mcmi | record

    names = recipe.folder_name(cfg, options, stage), title_of(options, stage)
    return _kept(cfg, options, names, made_by, stage_cfg, make, place)


def _before(source: str | None, given: dict) -> dict:
    """What is kept in a provenance of the one before it."""
    base = dict(source=source, history=given.get('history'))
    if given.get('stage') in (UNFINISHED, DISTILLED):
        base['stage'] = given['stage']
    if 'teacher' in given:  # of the student that is a teacher now
        base['teacher'] = given['teacher']
    if 'kept_epoch' in given:  # by early stopping
        base['kept_epoch'] = given['kept_epoch']
    return base


def _handed_over(
    cfg: Config, options: TeacherOptions, samples: Samples, base: tuple
) -> str:
    """The teacher ``base`` measured, and at another temperature where asked."""
    source, weights, base_meta = base
    given = base_meta.get('mcmi', {})
    fine_tuned = given.get('stage') == 'mcmi'
    stage_cfg = stage_config(cfg, options.of_control(), 'mcmi', work_dir='')
    val_loader = stage_cfg.custom_hooks[0].val_dataloader
    made_by = recipe.recipe_of_handover(
        stage_cfg,
        options,
        samples.content,
        weights_hash(weights),
        val_loader and Samples(cfg, val_loader.dataset).content,
    )

    def make() -> tuple[dict, dict]:
        state, record = hand_over(stage_cfg, weights, source, options.temperature)
        mcmi = dict(given, recipe=given.get('recipe', made_by), handed_over=made_by)
        if fine_tuned:
            del record['before']  # that of its fine-tune stands
        else:
            mcmi.update(stage='mll', form='none', lmda=0.0, history=[])
            mcmi.pop('teacher', None)  # is in `base`
            mcmi['base'] = _before(source, given)
        return state, mcmi | record

    # What it was fine-tuned by may not be what `options` say: it may be given.
    name = recipe.folder_name(cfg, options, 'none')
    if fine_tuned:
        name = osp.basename(osp.dirname(source)) or 'mcmi'
    if options.temperature is not None:
        name += f'-T{options.temperature}'
    title = 'MCMI teacher' if fine_tuned else 'MLL teacher'
    return _kept(cfg, options, (name, title), made_by, stage_cfg, make)


def _kept(
    cfg: Config,
    options: TeacherOptions,
    names: tuple[str, str],
    made_by: dict,
    stage_cfg: Config,
    make: Callable[[], tuple[dict, dict]],
    place: Place | None = None,
) -> str:
    """Find a teacher by its recipe, or make it and keep it.

    Args:
        names: what the folder's name begins with, and the log's word for it.
        made_by: the recipe.
        stage_cfg: gets the folder as its ``work_dir``.
        make: its weights and its provenance, on every process.
        place: of the stage that trains it; None: it is measured only.
    """
    name, title = names
    say = Place().before if place is None else place.before
    root = options.teacher_dir or osp.join(
        osp.dirname(osp.abspath(cfg.work_dir)), 'mcmi_teachers'
    )
    directory = store.folder(root, name, made_by)
    stage_cfg.work_dir = directory
    stage_cfg.experiment_name = osp.basename(directory)
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise UserError(
            f'mcmi.teacher_dir: cannot write {directory} ({error.strerror}); set it to '
            'a folder that can be written'
        ) from error
    with store.lock(directory):
        path = _on_all(store.find, directory, made_by)
        if path is not None:
            _on_all(remove_checkpoints, directory)  # if killed before it did
            print_log(say(f'{title} found: {path}'), logger='current')
            tell_if_earlier(path, read_weights(path, 'mcmi.teacher_dir')[1]['mcmi'])
            return path
        tell_of_earlier(root, name, made_by, stage_cfg)
        how = '' if place is None else f' ({_how(options, made_by)})'
        print_log(say(f'making the {title}{how} in {directory}'), logger='current')
        state, mcmi = make()
        meta = dict(
            dataset_meta=mcmi.pop('dataset_meta'),
            mcmi=dict(
                mcmi,
                fingerprint=store.fingerprint(made_by),
                processes=get_world_size(),
                versions=versions(),
            ),
        )
        path = _on_all(store.publish, directory, state, _plain(meta))
        _on_all(remove_checkpoints, directory)  # the teacher is there instead
    print_log(f'{title} kept: {path}', logger='current')
    return path


def _how(options: TeacherOptions, made_by: dict) -> str:
    """``lambda 0.25, 10 epochs``: what a stage does."""
    words = [epochs_in_words(made_by['epochs'])]
    if made_by['base'] is not None and not is_control(options):
        words.insert(0, dial(vars(options)))
    return ', '.join(words)


def _on_all(function, *args):
    """Call ``function`` on the main process; its answer, or error, on every one."""
    answer: list[Any] = [None, None]
    if is_main_process():
        try:
            answer[0] = function(*args)
        except (UserError, OSError) as error:
            answer[1] = error
    broadcast_object_list(answer)
    barrier()
    if answer[1] is not None:
        raise answer[1]
    return answer[0]


def _plain(value):
    """Plain Python values only, which ``weights_only=True`` reads anywhere."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):  # NumPy's and torch's kinds of them included
        if isinstance(value, kind):
            return kind(value)
    return str(value)
