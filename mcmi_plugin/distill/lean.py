"""``LeanDistill``: MMRazor's SingleTeacherDistill without the work nobody reads."""

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.models.utils import add_prefix
from torch import Tensor, nn

from ..errors import UserError
from ..teacher.model import names_pretrained
from .fold import folded
from .records import make_contiguous, needs_loss, tensors_in


@MODELS.register_module()
class LeanDistill(SingleTeacherDistill):
    """SingleTeacherDistill, the same up to rounding, in less time.

    What a frozen teacher is spared:

    - its cross-entropy: it is called for its tensors (``mode='tensor'``), unless
      a teacher recorder listens to its loss or to a function, a delivery passes
      something on, or the network does more in ``mode='loss'`` (HSAKD's
      rotations);
    - batch norm: folded into the convolutions of a copy, which is made in the
      first step and again when the teacher's weights have changed;
      ``model.teacher`` stays as it is. A convolution whose own output is recorded
      keeps its batch norm; the log says so;
    - dropout, and whatever else training mode does: it is in evaluation mode
      throughout, where upstream puts batch norm alone. ``teacher_norm_eval=False``
      leaves the teacher in training mode, as upstream does.

    Recorders, deliveries, connectors and losses are MMRazor's and see what they
    always saw: feature maps are handed over contiguous, because losses ``view``
    them.

    Args:
        channels_last: keep both networks' convolutions and images in that memory
            format; weights keep their shapes and names.
        fold_batch_norm: fold the frozen teacher's batch norm.
        save_teacher: ``False`` leaves the teacher out of this model's state dict,
            hence out of checkpoints. On resume it comes from where it came from
            at first: ``teacher_ckpt``, or the file that ``mcmi`` has recorded.
        **kwargs: as for MMRazor's SingleTeacherDistill.

    Raises:
        UserError: in the first step, ``save_teacher=False`` and nothing has given
            the teacher weights.
    """

    def __init__(
        self,
        *,
        channels_last: bool = True,
        fold_batch_norm: bool = True,
        save_teacher: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last
        if channels_last:
            self._set_memory_format(torch.channels_last)
        whole = self.teacher_trainable or needs_loss(self.teacher, self.distiller)
        self.teacher_mode = 'loss' if whole else 'tensor'
        # A delivery may pass on what a convolution puts out, unseen.
        frozen = self.teacher_norm_eval and not self.teacher_trainable
        self._folds = fold_batch_norm and frozen and not self._delivers()
        # Weights, their versions, and the copy. A tuple keeps it out of the
        # module tree, hence out of checkpoints.
        self._twin: tuple[list[Tensor], list[int], nn.Module] | None = None
        self.save_teacher = save_teacher
        self.teacher.given = bool(kwargs.get('teacher_ckpt')) or (
            isinstance(kwargs['teacher'], dict) and names_pretrained(kwargs['teacher'])
        )
        if not save_teacher:
            self.teacher._register_load_state_dict_pre_hook(
                _note_weights, with_module=True
            )
            self._register_state_dict_hook(_leave_teacher_out)
            self.register_load_state_dict_post_hook(_miss_no_teacher)

    def _set_memory_format(self, memory_format: torch.memory_format) -> None:
        for network in (self.architecture, self.teacher):
            network.to(memory_format=memory_format)

    def init_weights(self) -> None:
        # Random numbers are drawn in the order of memory: from the same seed the
        # student would start elsewhere.
        self._set_memory_format(torch.contiguous_format)
        super().init_weights()
        if self.channels_last:
            self._set_memory_format(torch.channels_last)

    def train(self, mode: bool = True) -> 'LeanDistill':
        super().train(mode)
        if self.teacher_norm_eval and not self.teacher_trainable:
            self.teacher.eval()
        return self

    def loss(self, batch_inputs: Tensor, data_samples: list | None = None) -> dict:
        """As upstream's: images ``[B, 3, H, W]`` -> losses by name."""
        if not self.save_teacher and not self.teacher.given:
            raise UserError(
                'model.save_teacher=False: the checkpoint holds no teacher and nothing '
                'else does; set model.teacher_ckpt'
            )
        if self.channels_last and batch_inputs.ndim == 4:
            batch_inputs = batch_inputs.contiguous(memory_format=torch.channels_last)
        distiller, losses = self.distiller, {}
        if not self.distillation_stopped or self.teacher_trainable or self._delivers():
            distiller.set_deliveries_override(False)
            with torch.set_grad_enabled(self.teacher_trainable):
                teacher = self._teacher_now(batch_inputs, data_samples)
                with distiller.teacher_recorders, distiller.deliveries:
                    answer = teacher(batch_inputs, data_samples, mode=self.teacher_mode)
            if self.teacher_trainable:
                losses.update(add_prefix(answer, 'teacher'))
        distiller.set_deliveries_override(True)
        with (
            torch.set_grad_enabled(
                self.calculate_student_loss or self.student_trainable
            ),
            distiller.student_recorders,
            distiller.deliveries,
        ):
            answer = self.student(batch_inputs, data_samples, mode='loss')
        if self.calculate_student_loss:
            losses.update(add_prefix(answer, 'student'))
        if not self.distillation_stopped:
            make_contiguous(distiller)
            losses.update(add_prefix(distiller.compute_distill_losses(), 'distill'))
        return losses

    def _teacher_now(
        self, batch_inputs: Tensor, data_samples: list | None
    ) -> nn.Module:
        """The teacher, or its copy without batch norm."""
        if not self._folds or self.teacher.training:
            return self.teacher
        if self._twin is None or [w._version for w in self._twin[0]] != self._twin[1]:
            weights = list(self.teacher.parameters())
            twin = self._fold(batch_inputs, data_samples)
            versions = [weight._version for weight in weights]
            self._twin = (weights, versions, twin or self.teacher)
        return self._twin[2]

    def _fold(
        self, batch_inputs: Tensor, data_samples: list | None
    ) -> nn.Module | None:
        recorders = self.distiller.teacher_recorders

        def run(network: nn.Module) -> list[Tensor]:
            with recorders:
                answer = network(batch_inputs, data_samples, mode=self.teacher_mode)
            records = [
                recorder.data_buffer for recorder in recorders.recorders.values()
            ]
            return list(tensors_in([answer, records]))

        # In full precision, or rounding would pass for an error.
        with torch.autocast(batch_inputs.device.type, enabled=False):
            return folded(self.teacher, run, [self, *recorders.recorders.values()])

    def _apply(self, *args, **kwargs) -> 'LeanDistill':
        self._twin = None  # another device or dtype
        return super()._apply(*args, **kwargs)

    def _delivers(self) -> bool:
        return bool(self.distiller.deliveries.deliveries)


def _note_weights(teacher: BaseModel, state: dict, prefix: str, *args) -> None:
    teacher.given |= any(key.startswith(prefix) for key in state)


def _leave_teacher_out(model: LeanDistill, state: dict, prefix: str, *args) -> None:
    for key in [key for key in state if key.startswith(f'{prefix}teacher.')]:
        del state[key]


def _miss_no_teacher(model: LeanDistill, incompatible) -> None:
    missing = incompatible.missing_keys
    wrapped = ('teacher.', 'module.teacher.')  # by DistributedDataParallel
    missing[:] = [key for key in missing if not key.startswith(wrapped)]
