"""What decides which teacher comes out: the recipe that it is found again by."""

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size

from mcmi_plugin.datasets.content import Content, without_paths
from mcmi_plugin.teacher.model import model_name
from mcmi_plugin.teacher.options import TeacherOptions


def recipe_of(
    stage_cfg: Config,
    options: TeacherOptions,
    train: Content,
    base: str | None,
    val: Content | None = None,
) -> dict:
    """What decides which teacher comes out, for :mod:`mcmi_plugin.teacher.store`.

    What is at its default stays unsaid, so that the hash is that of teachers made
    before there was the key.

    Args:
        base: hash of the weights that the fine-tune starts from; None for a
            teacher that is trained from scratch.
        val: what the validation set holds, where that chooses the epoch.
    """
    loader = stage_cfg.train_dataloader
    recipe = dict(
        model=stage_cfg.model.to_dict(),
        num_samples=train.num_samples,
        optim_wrapper=stage_cfg.optim_wrapper.to_dict(),
        epochs=stage_cfg.train_cfg.max_epochs,
        seed=options.seed,
        base=base,
    )
    recipe |= _of_data('data', loader.dataset, train)
    if base is None and options.snapshots:
        recipe['snapshots'] = options.snapshots
    if base is not None:
        recipe['centroid_mode'] = options.centroid_mode
        # The same samples, seen otherwise.
        centroid_data = stage_cfg.custom_hooks[0].dataloader.dataset
        recipe['centroid_data'] = without_paths(centroid_data.to_dict())
        recipe['on_cliff'] = options.on_cliff
    if val is not None:
        recipe |= _of_data('early_stopping', stage_cfg.val_dataloader.dataset, val)
        recipe |= _part_of_epoch('val_', stage_cfg.val_dataloader)
        if options.early_stopping == 'cmi':
            recipe['early_stopping_by'] = 'cmi'
    recipe |= _part_of_epoch('', loader)
    if stage_cfg.get('sync_bn') is not None:
        recipe['sync_bn'] = stage_cfg.sync_bn  # statistics of all processes' samples
    if stage_cfg.auto_scale_lr is None:
        # Nothing corrects the rate for the batch size, so it is of the recipe.
        recipe['batch_size'] = loader.batch_size * get_world_size()
    else:
        recipe['base_batch_size'] = stage_cfg.auto_scale_lr.base_batch_size
    return recipe


def recipe_of_handover(
    stage_cfg: Config,
    options: TeacherOptions,
    train: Content,
    base: str,
    val: Content | None = None,
) -> dict:
    """What decides about a teacher that is handed over without a fine-tune.

    Args:
        stage_cfg: of the fine-tune that there might have been.
        base: hash of the weights that are handed over.
        val: what the validation set holds, where there is one: it is measured, and
            perhaps the temperature's judge.
    """
    hook = stage_cfg.custom_hooks[0]
    recipe = dict(
        model=stage_cfg.model.to_dict(),
        num_samples=train.num_samples,
        base=base,
        temperature=options.temperature,
    )
    recipe |= _of_data('data', hook.dataloader.dataset, train)
    if val is not None:
        recipe |= _of_data('val_data', hook.val_dataloader.dataset, val)
    return recipe


def _of_data(key: str, dataset: ConfigDict, content: Content) -> dict:
    """A data set in a recipe: what it is, and what it holds, not where it lies."""
    described: dict[str, dict | str] = {key: without_paths(dataset.to_dict())}
    if content.digest is not None:
        described[f'{key}_content'] = content.digest
    return described


def _part_of_epoch(prefix: str, loader: ConfigDict) -> dict:
    """What makes an epoch shorter than its data set, where something does."""
    said = {}
    if loader.get('drop_last'):
        said[f'{prefix}drop_last'] = True
    batches = loader.get('num_batch_per_epoch')
    if batches is not None:
        said[f'{prefix}samples_per_epoch'] = (
            batches * loader.batch_size * get_world_size()
        )
    return said


def folder_name(cfg: Config, options: TeacherOptions, stage: str) -> str:
    """A short name of a teacher, for its folder: network, stage, what was asked.

    Args:
        stage: ``'mll'``, ``'mcmi'`` or ``'none'`` (handed over as it is).
    """
    words = [model_name(cfg), stage]
    if stage == 'mcmi':
        words += [options.form] * (options.form != 'fixed')
        words += [options.reward] * (options.reward != 'cmi')
        dial = 'lmda' if options.eps is None else 'eps'
        words.append(f'{dial}{getattr(options, dial):g}')
    else:
        words += ['early-stopped'] * bool(options.early_stopping)
        words += [f'mean-of-{options.snapshots}'] * bool(options.snapshots)
        words += ['smoothed'] * bool(options.label_smoothing)
    return '-'.join(words)
