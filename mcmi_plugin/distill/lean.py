"""``LeanDistill``: MMRazor's SingleTeacherDistill without the work nobody reads."""

from contextlib import nullcontext

import torch
from mmengine.logging import print_log
from mmengine.registry import MODELS
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.models.utils import add_prefix
from torch import Tensor, nn

from .fold import Folding, find_folding
from .records import make_contiguous, needs_loss, tensors_in
from .traces import leaves_traces, undone


@MODELS.register_module()
class LeanDistill(SingleTeacherDistill):
    """SingleTeacherDistill, the same up to rounding, in less time.

    What a frozen teacher is spared:

    - its cross-entropy: it is called for its tensors (``mode='tensor'``), unless
      a teacher recorder listens to its loss or to a function, a delivery passes
      something on, or the network does more in ``mode='loss'`` (HSAKD's
      rotations);
    - batch norm, which its convolutions do as well (:class:`.Folding`);
      ``model.teacher`` stays as it is. A convolution whose own output is recorded
      keeps its batch norm; the log says so;
    - any step after the distillation was stopped, if it leaves no trace: if it
      changes no statistics and draws no random numbers.

    Recorders, deliveries, connectors and losses are MMRazor's and see what they
    always saw: feature maps are handed over contiguous, because losses ``view``
    them. Training and evaluation mode are upstream's too: a teacher with dropout
    draws the numbers that it draws there.

    Args:
        channels_last: from the first step on, keep convolutions and images in that
            memory format; weights keep their shapes and names. A network that it
            does not suit, because it ``view`` s a map, is left as it is, as the log
            says.
        fold_batch_norm: fold the frozen teacher's batch norm.
        **kwargs: as for MMRazor's SingleTeacherDistill.
    """

    def __init__(
        self, *, channels_last: bool = True, fold_batch_norm: bool = True, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last
        whole = self.teacher_trainable or needs_loss(self.teacher, self.distiller)
        self.teacher_mode = 'loss' if whole else 'tensor'
        # A delivery may pass on what a convolution puts out, unseen.
        frozen = self.teacher_norm_eval and not self.teacher_trainable
        self._folds = fold_batch_norm and frozen and not self._delivers()
        # What the first step finds out.
        self._has_begun = False
        self._in_channels_last: set[str] = set()
        self._folding = Folding([])
        self._teacher_may_rest: bool | None = None

    def loss(self, batch_inputs: Tensor, data_samples: list | None = None) -> dict:
        """As upstream's: images ``[B, 3, H, W]`` -> losses by name."""
        if not self._has_begun:
            self._begin(batch_inputs, data_samples)
        distiller, losses = self.distiller, {}
        if not (
            self.distillation_stopped and self._may_rest(batch_inputs, data_samples)
        ):
            distiller.set_deliveries_override(False)
            with nullcontext() if self.teacher_trainable else torch.no_grad():
                answer = self._folding.run(
                    lambda: self._teach(batch_inputs, data_samples)
                )
            if self.teacher_trainable:
                losses.update(add_prefix(answer, 'teacher'))
        distiller.set_deliveries_override(True)
        learns = self.calculate_student_loss or self.student_trainable
        with (
            # Never more than the caller allows, who may want no gradients at all.
            nullcontext() if learns else torch.no_grad(),
            distiller.student_recorders,
            distiller.deliveries,
        ):
            images = self._as_it_likes('student', batch_inputs)
            answer = self.student(images, data_samples, mode='loss')
        if self.calculate_student_loss:
            losses.update(add_prefix(answer, 'student'))
        if not self.distillation_stopped:
            make_contiguous(distiller)
            losses.update(add_prefix(distiller.compute_distill_losses(), 'distill'))
        return losses

    def _teach(self, batch_inputs: Tensor, data_samples: list | None):
        images = self._as_it_likes('teacher', batch_inputs)
        with self.distiller.teacher_recorders, self.distiller.deliveries:
            return self.teacher(images, data_samples, mode=self.teacher_mode)

    def _as_it_likes(self, name: str, images: Tensor) -> Tensor:
        if name in self._in_channels_last:
            return images.contiguous(memory_format=torch.channels_last)
        return images

    def _may_rest(self, batch_inputs: Tensor, data_samples: list | None) -> bool:
        """Whether nobody can tell if the teacher has run when nobody listens to it."""
        if self._teacher_may_rest is None:
            self._teacher_may_rest = not (
                self.teacher_trainable
                or self._delivers()
                or leaves_traces(
                    self.teacher, lambda: self._teach(batch_inputs, data_samples)
                )
            )
        return self._teacher_may_rest

    @torch.compiler.disable  # for one step
    def _begin(self, batch_inputs: Tensor, data_samples: list | None) -> None:
        """Try what may not suit the networks, before the first step."""
        self._has_begun = True
        if self.channels_last and batch_inputs.ndim == 4:
            self._try_channels_last('teacher', batch_inputs, data_samples)
            self._try_channels_last('student', batch_inputs, data_samples)
        if self._folds:
            self._folding = self._find_folding(batch_inputs, data_samples)

    def _try_channels_last(
        self, name: str, batch_inputs: Tensor, data_samples: list | None
    ) -> None:
        network: nn.Module = getattr(self, name)
        network.to(memory_format=torch.channels_last)
        images = batch_inputs.contiguous(memory_format=torch.channels_last)
        mode = self.teacher_mode if name == 'teacher' else 'loss'
        try:
            with undone(network):
                network(images, data_samples, mode=mode)
        except RuntimeError as error:
            network.to(memory_format=torch.contiguous_format)
            print_log(
                f'{name} of this distillation: channels_last is left out, because it '
                f'does not run in it ({str(error).splitlines()[0]})',
                logger='current',
            )
        else:
            self._in_channels_last.add(name)

    def _find_folding(self, batch_inputs: Tensor, data_samples: list | None) -> Folding:
        recorders = self.distiller.teacher_recorders.recorders

        def read() -> list[Tensor]:
            answer = self._teach(batch_inputs, data_samples)
            records = [recorder.data_buffer for recorder in recorders.values()]
            return list(tensors_in([answer, records]))

        # In full precision, or rounding would pass for an error.
        with torch.autocast(batch_inputs.device.type, enabled=False):
            return find_folding(self.teacher, read)

    def _delivers(self) -> bool:
        return bool(self.distiller.deliveries.deliveries)
