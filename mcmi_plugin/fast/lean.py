"""``LeanDistill``: MMRazor's SingleTeacherDistill without the work nobody reads."""

from contextlib import nullcontext

import torch
from mmengine.dist import is_distributed
from mmengine.registry import MODELS
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.models.utils import add_prefix
from torch import Tensor, nn

from ..datasets.sent import rows_in
from ..errors import one_line
from ..log import log_line
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
      changes no statistics and draws no random numbers;
    - trials, while batches bring its answers with them (:func:`.rows_in`).

    Recorders, deliveries, connectors and losses are MMRazor's and see what they
    always saw: feature maps are handed over contiguous, because losses ``view``
    them. Training and evaluation mode are upstream's too: a teacher with dropout
    draws the numbers that it draws there. In channels_last a dropout on feature maps
    gives them to other places: its masks are of the same law, and others.

    Args:
        channels_last: keep both networks' convolutions and images in that memory
            format; weights keep their shapes and names. It is left out for a network
            that does not run in it, because it ``view`` s a map; the log says so.
        fold_batch_norm: fold the frozen teacher's batch norm.
        **kwargs: as for MMRazor's SingleTeacherDistill.
    """

    def __init__(
        self, *, channels_last: bool = True, fold_batch_norm: bool = True, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last
        # DistributedDataParallel is about to look at the order in memory of what is
        # trained, and mixes up gradients if that changes later.
        trained = ['student', *(['teacher'] if self.teacher_trainable else [])]
        self._trained_in_channels_last = [
            name
            for name in trained
            if channels_last and not _is_too_narrow(name, getattr(self, name))
        ]
        self._in_channels_last = {*self._trained_in_channels_last}
        self._set_memory_format(torch.channels_last)
        whole = self.teacher_trainable or needs_loss(self.teacher, self.distiller)
        self.teacher_mode = 'loss' if whole else 'tensor'
        # A delivery may pass on what a convolution puts out, unseen.
        frozen = self.teacher_norm_eval and not self.teacher_trainable
        self._folds = fold_batch_norm and frozen and not self._delivers()
        # What the first steps find out.
        self._tried: set[tuple[str, str]] = set()  # networks and modes
        self._folding, self._teacher_is_new = Folding([]), True
        self._teacher_may_rest: bool | None = None

    def _set_memory_format(self, memory_format: torch.memory_format) -> None:
        for name in self._trained_in_channels_last:
            getattr(self, name).to(memory_format=memory_format)

    def init_weights(self) -> None:
        # Random numbers are drawn in the order of memory: from the same seed the
        # student would start elsewhere.
        self._set_memory_format(torch.contiguous_format)
        super().init_weights()
        self._set_memory_format(torch.channels_last)

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode='tensor'):
        """As upstream's."""
        if mode != 'loss':
            self._try_channels_last('student', inputs, data_samples, mode)
        return super().forward(inputs, data_samples, mode)

    @torch.no_grad()
    def ask_teacher(self, images: Tensor, whole: Tensor, samples: list) -> Tensor:
        """Logits of the frozen teacher itself, as in a step on the whole batch."""
        if self._teacher_is_new:
            self._begin(whole, samples)
        images = self._as_it_likes('teacher', images)
        return self._folding.run(lambda: self.teacher(images, mode='tensor'))

    def loss(self, batch_inputs: Tensor, data_samples: list | None = None) -> dict:
        """As upstream's: images ``[B, 3, H, W]`` -> losses by name."""
        if ('student', 'loss') not in self._tried:
            self._try_channels_last('student', batch_inputs, data_samples, 'loss')
        distiller, losses = self.distiller, {}
        if not (
            self.distillation_stopped and self._may_rest(batch_inputs, data_samples)
        ):
            distiller.set_deliveries_override(False)
            with nullcontext() if self.teacher_trainable else torch.no_grad():
                answer = self._teach(batch_inputs, data_samples)
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
        if self._teacher_is_new and rows_in(data_samples) is None:
            self._begin(batch_inputs, data_samples)
        return self._folding.run(lambda: self._listen(batch_inputs, data_samples))

    def _listen(self, batch_inputs: Tensor, data_samples: list | None):
        images = self._as_it_likes('teacher', batch_inputs)
        with self.distiller.teacher_recorders, self.distiller.deliveries:
            return self.teacher(images, data_samples, mode=self.teacher_mode)

    def _as_it_likes(self, name: str, images: Tensor) -> Tensor:
        if name in self._in_channels_last and images.ndim == 4:
            return images.contiguous(memory_format=torch.channels_last)
        return images

    def _may_rest(self, batch_inputs: Tensor, data_samples: list | None) -> bool:
        """Whether nobody can tell if the teacher has run when nobody listens to it."""
        if self._teacher_may_rest is None:
            self._teacher_may_rest = not (
                self.teacher_trainable
                or self._delivers()
                or leaves_traces(
                    self.teacher, lambda: self._listen(batch_inputs, data_samples)
                )
            )
        return self._teacher_may_rest

    @torch.compiler.disable  # for one step
    def _begin(self, batch_inputs: Tensor, data_samples: list | None) -> None:
        """Try what may not suit the teacher, before its first step."""
        self._teacher_is_new = False
        if self.channels_last and 'teacher' not in self._in_channels_last:
            self.teacher.to(memory_format=torch.channels_last)
            self._in_channels_last.add('teacher')
        self._try_channels_last(
            'teacher', batch_inputs, data_samples, self.teacher_mode
        )
        if self._folds:
            self._folding = self._find_folding(batch_inputs, data_samples)

    @torch.compiler.disable
    def _try_channels_last(
        self, name: str, inputs: Tensor, data_samples: list | None, mode: str
    ) -> None:
        """Leave it out for a network that does not run in it, in this mode."""
        is_new = (name, mode) not in self._tried
        self._tried.add((name, mode))
        if not is_new or name not in self._in_channels_last or inputs.ndim != 4:
            return
        network: nn.Module = getattr(self, name)
        try:
            with undone(network):
                network(self._as_it_likes(name, inputs), data_samples, mode=mode)
        except RuntimeError as error:
            self._leave_channels_last(name)
            log_line(
                f'{name} of this distillation: channels_last is left out, because it '
                f'does not run in it ({one_line(error, 200)})'
            )

    def _leave_channels_last(self, name: str) -> None:
        network: nn.Module = getattr(self, name)
        self._in_channels_last.remove(name)
        if name not in self._trained_in_channels_last or not is_distributed():
            network.to(memory_format=torch.contiguous_format)
            return
        for module in network.modules():  # whose weights stay as they are
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.register_forward_hook(_contiguous_output)

    def _find_folding(self, batch_inputs: Tensor, data_samples: list | None) -> Folding:
        recorders = self.distiller.teacher_recorders.recorders

        def read() -> list[Tensor]:
            answer = self._listen(batch_inputs, data_samples)
            records = [recorder.data_buffer for recorder in recorders.values()]
            return tensors_in([answer, records])

        # In full precision, or rounding would pass for an error.
        with torch.autocast(batch_inputs.device.type, enabled=False):
            return find_folding(self.teacher, read)

    def _delivers(self) -> bool:
        return bool(self.distiller.deliveries.deliveries)


def _is_too_narrow(name: str, network: nn.Module) -> bool:
    """Whether a training in channels_last would write past the end of a gradient.

    oneDNN does (seen with torch 2.14.1) in strided 1 x 1 convolutions of fewer than 8
    channels, as small networks of the ResNet kind have them; the process is aborted
    then, or goes on with broken memory.
    """
    found = any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels < 8
        for module in network.modules()
    )
    if found:
        log_line(
            f'{name} of this distillation: channels_last is left out, because it has '
            'strided 1 x 1 convolutions of fewer than 8 channels'
        )
    return found


def _contiguous_output(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
    return output.contiguous()
