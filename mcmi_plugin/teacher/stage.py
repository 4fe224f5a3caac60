"""Run one teacher stage in a Runner of its own, inside another one's run."""

from pathlib import Path

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn

from mcmi_plugin.isolation import isolated
from mcmi_plugin.job import PlaceInJob, tell_place
from mcmi_plugin.last_checkpoint import LAST_CHECKPOINT, find_checkpoint_to_resume
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.runner.build import build_runner
from mcmi_plugin.teacher.snapshots import take_mean
from mcmi_plugin.teacher.start import Start
from mcmi_plugin.trackers import name_own_run
from mcmi_plugin.weights.loading import load_weights


def run_stage(
    cfg: Config,
    resume: bool,
    start: Start | None = None,
    place: PlaceInJob | None = None,
    snapshots: int | None = None,
) -> tuple[dict, dict]:
    """Train a stage to its end.

    Args:
        cfg: from :func:`mcmi_plugin.teacher.stage_config.stage_config`.
        resume: continue from the stage's last checkpoint, if it has one.
        start: the teacher that the stage starts from; None: from scratch.
        place: which stage it is of its job; None: the only one.
        snapshots: take the mean of so many last epochs, not the last.

    Returns:
        The classifier's weights on the CPU, without the loss's centroids, and
        what the stage's hooks have recorded.

    Raises:
        UserError: the weights are not this network's, or the data do not do.
    """
    last = find_checkpoint_to_resume(cfg.work_dir) if resume else None
    cfg.resume, cfg.load_from = last is not None, last
    if is_main_process() and not cfg.resume:
        remove_checkpoints(cfg.work_dir)
    name_own_run(cfg)
    with isolated():
        runner = build_runner(cfg)
        runner.register_hook(dict(type='ProgressBarHook'))
        tell_place(runner, place or PlaceInJob())
        model = get_ori_model(runner.model)
        if start is not None:
            load_weights(model, start.weights, start.source)
            model._is_init = True  # or the Runner would initialise it again
        runner.train()
        if cfg.default_hooks.checkpoint.get('save_best'):
            barrier()  # the main process may still be writing it
            best = runner.message_hub.get_info('best_ckpt')
            kept = runner.load_checkpoint(best, strict=True)
            runner.message_hub.update_info('mcmi_kept_epoch', kept['meta']['epoch'])
        if snapshots:
            take_mean(runner, snapshots)
            runner.message_hub.update_info('mcmi_snapshots', snapshots)
        record = {
            name.removeprefix('mcmi_'): value
            for name, value in runner.message_hub.runtime_info.items()
            if name.startswith('mcmi_')
        }
        record['dataset_meta'] = dict(
            getattr(runner.train_dataloader.dataset, 'metainfo', {})
        )
        return weights_of(model), record


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A classifier's state dict on the CPU, without that of its :class:`CMILoss`."""
    buffers = find_cmi_loss(model).state_dict(keep_vars=True).values()
    own = {id(buffer) for buffer in buffers}
    return {
        name: value.detach().cpu().clone()
        for name, value in model.state_dict(keep_vars=True).items()
        if id(value) not in own
    }


def remove_checkpoints(work_dir: str) -> None:
    """Remove what a stage has saved on its way; a later run would resume it."""
    folder = Path(work_dir)
    saved = [*folder.glob('epoch_*.pth'), *folder.glob('best_*.pth')]
    for path in [*saved, folder / LAST_CHECKPOINT]:
        path.unlink(missing_ok=True)
