"""The run's teacher labels the samples that have no label."""

import os.path as osp
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop
from mmpretrain.utils import get_ori_model
from torch.utils.data import Dataset

from mcmi_plugin.datasets.indices import load_indices, save_indices
from mcmi_plugin.datasets.pseudo_labelled import PseudoLabelled
from mcmi_plugin.datasets.subset import pipeline_of, unwrapped
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import predictions
from mcmi_plugin.log import log_line
from mcmi_plugin.weights.loading import weights_hash

_FILE = 'pseudo_labels.json'


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Give a ``PseudoLabelled`` training set the labels its teacher predicts.

    Once, before the first step: in eval mode, through the pipeline of
    ``val_dataloader`` (or else of ``test_dataloader``), which does not augment.
    They are kept as ``pseudo_labels.json`` in the work dir; a resumed run reads
    them there.

    Every sample then has a hard label for the student's cross-entropy, its own
    or the predicted one, and the distillation loss takes the teacher's soft
    prediction of every sample, as in Chen et al., *Big Self-Supervised Models
    are Strong Semi-Supervised Learners*, 2020.

    Raises:
        UserError: the training set is not ``PseudoLabelled``, the model has no
            teacher, or the file comes from another teacher or choice.
    """

    # After MCMITeacherHook (VERY_HIGH), which puts the teacher in.
    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        model = get_ori_model(runner.model)
        if not hasattr(model, 'teacher'):
            raise UserError(
                f'custom_hooks: PseudoLabelHook: {type(model).__name__} has no teacher '
                'to predict labels; distil by SingleTeacherDistill, or drop the hook'
            )
        data = _pseudo_labelled(runner.train_dataloader.dataset)
        teacher = weights_hash(model.teacher.state_dict())
        choice = {**data.choice, 'teacher': teacher}
        path = osp.join(runner.work_dir, _FILE)
        if runner._resume and osp.isfile(path):
            labels = load_indices(path, choice)
        else:
            labels = _predicted(runner, model, data.dataset)
            if is_main_process():
                save_indices(path, choice, labels)
            barrier()
        agreement = data.set_pseudo_labels(labels)
        _read_again(runner.train_loop)
        log_line(
            f'{np.sum(~data.is_labelled)} of {len(data)} training samples have the '
            f'label their teacher predicts, {agreement:.1f} % of which are the hidden '
            'ones'
        )


def _pseudo_labelled(dataset: Any) -> PseudoLabelled:
    for part in unwrapped(dataset):
        if isinstance(part, PseudoLabelled):
            return part
    raise UserError(
        'train_dataloader.dataset: PseudoLabelHook finds no PseudoLabelled in '
        f'{type(dataset).__name__}; wrap the training set in it, or drop the hook'
    )


def _read_again(loop: BaseLoop) -> None:
    """Let a loop counted in iterations begin anew: its workers have begun to read.

    mmengine makes the iterator of such a loop when it builds the loop.
    """
    if not isinstance(loop, IterBasedTrainLoop):
        return
    loader = loop.dataloader
    loader._iterator = None  # of workers that outlive an epoch
    if isinstance(loader.sampler, InfiniteSampler):
        loader.sampler.indices = loader.sampler._indices_of_rank()
    loop.dataloader_iterator = type(loop.dataloader_iterator)(loader)


class _Unaugmented(Dataset):
    """The samples of a data set through another pipeline."""

    def __init__(self, dataset: Any, pipeline: Any) -> None:
        self.dataset = dataset
        self.pipeline = pipeline

    def __getitem__(self, idx: int) -> dict:
        return self.pipeline(self.dataset.get_data_info(idx))

    def __len__(self) -> int:
        return len(self.dataset)


def _predicted(runner: Runner, model: BaseModel, dataset: Any) -> np.ndarray:
    """[N] int64: the teacher's class of every sample, the same in all processes."""
    loop = runner.val_loop or runner.test_loop
    if loop is None:
        raise UserError(
            'val_dataloader: PseudoLabelHook takes its unaugmented pipeline from '
            'there, or from test_dataloader; set one of them'
        )
    unaugmented = loop.dataloader
    parts = getattr(unaugmented.dataset, 'datasets', [unaugmented.dataset])
    loader = Runner.build_dataloader(
        dict(
            dataset=_Unaugmented(dataset, pipeline_of(parts[0])),
            batch_size=unaugmented.batch_size or 1,
            num_workers=unaugmented.num_workers,
            # Without round_up no sample is repeated to even out the processes.
            sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
            collate_fn=dict(type='default_collate'),
        )
    )
    device = next(model.parameters()).device
    found = [torch.empty(0, dtype=torch.int64, device=device)]
    for batch in predictions(
        model.teacher, loader, model.data_preprocessor, labelled=False
    ):
        found.append(batch.logits.argmax(1))
    labels = torch.zeros(len(dataset), dtype=torch.int64, device=device)
    labels[list(loader.sampler)] = torch.cat(found)
    all_reduce(labels)  # every process has predicted samples of its own
    return labels.cpu().numpy()
