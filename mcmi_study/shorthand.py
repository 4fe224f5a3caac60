"""What most studies set, for their configs to import."""

from typing import Any

from mcmi_plugin.cells.arms import EARLY_STOPPED, NO_FINE_TUNE, TEMPERATURE

__all__ = ['EARLY_STOPPED', 'NO_FINE_TUNE', 'TEMPERATURE']  # besides what is here

# Only teachers are looked at: the student is trained for a single epoch.
TEACHERS_ONLY = {'train_cfg.max_epochs': 1}
# The medium scale: akamaster's ResNet-20, or what its file says of it, -> ResNet-8 on a
# tenth of every class of CIFAR-10. A teacher takes longer than its students, so all
# studies of this scale share theirs. Its fine-tune is short and begins at 0.001: from a
# fifth of the teacher's own rate it loses more log-likelihood than lambda moves.
CIFAR10 = {
    'pair': '_base_/pairs/r20_r8_cifar10_few_shot.py',
    'method': 'kd',
    'mcmi.epochs': 2,
    'mcmi.lr_factor': 0.02,
    'mcmi.teacher_dir': '{study_dir}/../../medium_teachers',
}


def epochs(student: int, mll: int, fine_tune: int) -> dict:
    """Lengths of the three stages; the student is validated and kept at its end."""
    return {
        'train_cfg.max_epochs': student,
        'train_cfg.val_interval': student,
        'default_hooks.checkpoint.interval': student,
        'param_scheduler.T_max': student,
        'mcmi.mll_epochs': mll,
        'mcmi.epochs': fine_tune,
    }


def samples(train: int, held_out: int) -> dict:
    """Sizes of the synthetic set: its training, and its validation and test part."""
    sizes = {}
    for loader in ('train', 'val', 'test'):
        sizes[f'{loader}_dataloader.dataset.num_train'] = train
        sizes[f'{loader}_dataloader.dataset.num_val'] = held_out
        sizes[f'{loader}_dataloader.dataset.num_test'] = held_out
    return sizes


def held_out(base: Any, fraction: float) -> tuple[dict, dict]:
    """``train_dataloader`` and ``val_dataloader`` that share the training set.

    So much of every class is held out, through the pipeline of the validation set, to
    choose by. ``base`` is the config's ``_base_``.
    """
    whole = base.train_dataloader.dataset

    def part(name: str, pipeline: list) -> dict:
        dataset = dict(whole, pipeline=pipeline)
        wrapped = dict(type='HoldOut', fraction=fraction, part=name, dataset=dataset)
        return dict(dataset=dict(_delete_=True, **wrapped))

    unaugmented = base.val_dataloader.dataset.pipeline
    return part('train', whole.pipeline), part('held_out', unaugmented)
