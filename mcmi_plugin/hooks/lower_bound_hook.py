"""The old network of a fine-tune by a lower bound of the CMI."""

import copy
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mcmi_plugin.isolation import random_state, same_numbers, set_random_state
from mcmi_plugin.losses.cmi_loss import find_cmi_loss


@HOOKS.register_module()
class LowerBoundHook(Hook):
    """Give a ``CMILoss(form='lower_bound')`` the old predictions of each batch.

    The old network is the network itself as it was when the epoch began, in the mode
    and on the augmented images of the training step, so the bound touches the CMI
    there. Each epoch so refreshes the bound and then raises it: the CMI that it bounds
    never falls by a step that raises it. It costs one more forward pass a step.
    """

    # After the CentroidHook, which gives the first centroids.
    priority = 'NORMAL'

    def before_train(self, runner: Runner) -> None:
        self._model = get_ori_model(runner.model)
        self._loss = find_cmi_loss(self._model)
        self._old = copy.deepcopy(self._model).requires_grad_(False)
        self._draws = True  # random numbers, until it is seen not to
        self._handle = self._model.register_forward_pre_hook(
            self._look, with_kwargs=True
        )

    def before_train_epoch(self, runner: Runner) -> None:
        self._old.load_state_dict(self._model.state_dict())
        self._old.train()
        self._log_centroids = self._loss.log_centroids.clone()

    def after_train_epoch(self, runner: Runner) -> None:
        self._loss.old = None

    def after_train(self, runner: Runner) -> None:
        self._handle.remove()
        del self._old

    def _look(self, model: Any, args: tuple, kwargs: dict) -> None:
        if not model.training or kwargs.get('mode') != 'loss':
            return
        inputs = args[0] if args else kwargs['inputs']
        before = random_state() if self._draws else None
        with torch.no_grad():
            logits = self._old(inputs, mode='tensor')
        if before is not None:
            # Dropout draws what it would have drawn without this look. Where nothing is
            # drawn it is left alone: the recording of a step could not ask for it.
            self._draws = not same_numbers(before, random_state())
            set_random_state(before)
        self._loss.old = (logits, self._log_centroids)
