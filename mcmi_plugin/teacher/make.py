"""From a distillation config to the file of its MCMI teacher."""

import os
import os.path as osp

from mmengine.config import Config
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher import recipe, store
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage import remove_checkpoints, run_stage, versions
from mcmi_plugin.teacher.weights import read_weights, weights_hash


def provide_teacher(
    cfg: Config,
    options: TeacherOptions,
    num_samples: int,
    resume: bool = False,
    initialised: dict | None = None,
) -> str:
    """The path of the MCMI teacher that ``cfg`` asks for, made now if need be.

    All processes of a job call it together and get the same path.

    Args:
        cfg: the distillation config.
        options: what ``mcmi`` says.
        num_samples: of the training set; another number is another recipe.
        resume: continue an interrupted stage instead of starting it again.
        initialised: state dict of a teacher that its own ``init_cfg`` has filled,
            for a config without ``teacher_ckpt``.

    Raises:
        UserError: no teacher to start from, or it cannot be made.
    """
    source, key, prefix = base_source(cfg)
    if source is None and initialised is not None:
        base = ('model.teacher.init_cfg', initialised, {})
        return _provide(cfg, options, num_samples, 'mcmi', base, resume)
    if source is None and options.mll_epochs is None:
        raise UserError(
            'model.teacher_ckpt is not set: MCMI fine-tunes a pre-trained teacher; '
            'name one, or set mcmi.mll_epochs to train it first'
        )
    if source is None:
        source = _provide(cfg, options, num_samples, 'mll', None, resume)
        key = 'mcmi.teacher_dir'
    weights, meta = read_weights(source, key, prefix)
    given = meta.get('mcmi', {})
    if given.get('stage') == 'mcmi':
        print_log(
            f'{source} is an MCMI teacher already (lambda {given["lmda"]:g}); it is '
            'used as it is',
            logger='current',
        )
        return source
    base = (source, weights, meta)
    return _provide(cfg, options, num_samples, 'mcmi', base, resume)


def base_source(cfg: Config) -> tuple[str | None, str, str]:
    """Where the teacher's weights come from: source, config key, key prefix."""
    if cfg.model.get('teacher_ckpt'):
        return cfg.model.teacher_ckpt, 'model.teacher_ckpt', ''
    init = cfg.model.get('init_cfg') or {}
    if init.get('type') == 'Pretrained':  # of the whole distiller, as in ABLoss
        return init.checkpoint, 'model.init_cfg.checkpoint', 'teacher.'
    return None, 'model.teacher_ckpt', ''


def _provide(
    cfg: Config,
    options: TeacherOptions,
    num_samples: int,
    stage: str,
    base: tuple | None,
    resume: bool,
) -> str:
    """Find the teacher of one stage, or make and keep it."""
    source, weights, base_meta = base or (None, None, {})
    root = options.teacher_dir or osp.join(
        osp.dirname(osp.abspath(cfg.work_dir)), 'mcmi_teachers'
    )
    stage_cfg = recipe.stage_config(cfg, options, stage, work_dir='')
    base_hash = weights and weights_hash(weights)
    made_by = recipe.recipe_of(stage_cfg, options, num_samples, base_hash)
    name = f'{recipe.model_name(cfg)}-{stage}'
    if stage == 'mcmi':
        name += f'-lmda{options.lmda:g}'
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
            print_log(f'{stage.upper()} teacher found: {path}', logger='current')
            return path
        print_log(
            f'making the {stage.upper()} teacher in {directory}', logger='current'
        )
        state, record = run_stage(stage_cfg, resume, weights, source or '')
        meta = dict(
            dataset_meta=record.pop('dataset_meta'),
            mcmi=dict(
                stage=stage,
                fingerprint=store.fingerprint(made_by),
                lmda=options.lmda if stage == 'mcmi' else 0.0,
                recipe=made_by,
                base=dict(
                    source=source, history=base_meta.get('mcmi', {}).get('history')
                ),
                versions=versions(),
                **record,
            ),
        )
        path = _on_all(store.publish, directory, state, _plain(meta))
        _on_all(remove_checkpoints, directory)  # the teacher is there instead
    print_log(f'{stage.upper()} teacher kept: {path}', logger='current')
    return path


def _on_all(function, *args):
    """Call ``function`` on the main process; its answer, or error, on every one."""
    answer = [None, None]
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
