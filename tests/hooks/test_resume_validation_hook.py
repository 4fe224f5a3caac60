"""A resumed run goes on as if nothing had happened, its plateau included."""

import pytest
from small_runs import config, history, train

PLATEAU = dict(
    type='ReduceOnPlateauLR',
    monitor='accuracy/top1',
    rule='greater',
    factor=0.5,
    patience=0,
    threshold=1000,  # nothing is ever better, so that every validation counts
    threshold_rule='abs',
)


def changes(best: bool) -> dict:
    checkpoint = dict(type='CheckpointHook', interval=1)
    if best:  # written again when a validation has found a best model
        checkpoint |= dict(save_best='accuracy/top1', rule='less')
    return {
        'param_scheduler': [PLATEAU],
        'default_hooks.checkpoint': checkpoint,
        'custom_hooks': [dict(type='ResumeValidationHook')],
        'val_evaluator': [dict(type='Accuracy', topk=(1,))],
        'val_cfg.type': 'ValLoop',
        'train_cfg.max_epochs': 4,
        'optim_wrapper.optimizer.lr': 1e-9,  # so the first is the best one
    }


@pytest.mark.parametrize('best', [False, True])
@pytest.mark.parametrize('epoch', [1, 2])
def test_a_plateau_counts_every_epoch_once(best, epoch, tmp_path) -> None:
    whole = train(config(tmp_path / 'whole', **changes(best)))
    cfg = config(tmp_path / 'again', **changes(best))
    cfg.resume, cfg.load_from = True, str(tmp_path / f'whole/epoch_{epoch}.pth')
    again = train(cfg)
    found = [r.param_schedulers[0].state_dict() for r in (again, whole)]
    assert found[0] == found[1]
    assert again.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()
    assert history(again, 'val/accuracy/top1') == history(whole, 'val/accuracy/top1')


def test_the_interval_is_that_of_its_epoch(tmp_path) -> None:
    options = changes(False) | {'train_cfg.dynamic_intervals': [(2, 4)]}
    whole = train(config(tmp_path / 'whole', **options))
    cfg = config(tmp_path / 'again', **options)
    cfg.resume, cfg.load_from = True, str(tmp_path / 'whole/epoch_3.pth')
    again = train(cfg)
    assert history(again, 'val/accuracy/top1') == history(whole, 'val/accuracy/top1')
