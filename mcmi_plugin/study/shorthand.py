"""Options that most studies set, for study configs to import."""


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
