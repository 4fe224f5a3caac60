"""A teacher that answers from a table, and is asked itself for what is not there."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from mmrazor.models.task_modules.recorder import ModuleOutputsRecorder
from torch import Tensor

from mcmi_plugin.datasets.sent import ROWS, rows_in, sent
from mcmi_plugin.fast.lean import LeanDistill
from mcmi_plugin.log import log_warning
from mcmi_plugin.stored.kept import Kept
from mcmi_plugin.stored.table import Table
from mcmi_plugin.stored.views import seen

# A batch of a few images is computed in another order of operations; from 5 on a row
# is the same to the last bit in any batch (CPU; measured with torch 2.14.1).
LEAST = 8


class Answers:
    """In a teacher's place while its recorders listen.

    Before a step, :meth:`ahead` puts the rows of its batch into it: those of the table,
    and what the teacher itself gives for views that the table lacks, all as they are
    read back (so that a student does not depend on what was there before). In the step
    the recorders find what the teacher's own run would have left; nothing is looked up
    there, and on a GPU nobody waits. A validation, or anybody else who calls the
    teacher, gets the teacher.

    Args:
        model: the distiller, whose teacher it is.
        kept: what of the teacher is kept.
        kind: of the table.
        table: of its rows.
        others: tables of other teachers' logits, in all rows; the answer is the mean.
        context: makes what a step runs in.

    Attributes:
        asked: rows that were wanted so far.
        found: rows that were there.
    """

    def __init__(
        self,
        model: Any,
        kept: Kept,
        kind: str,
        table: Table,
        others: Any = (),
        context: Callable[[], Any] = nullcontext,
    ) -> None:
        self.model, self.kept, self.kind = model, kept, kind
        self.table, self.others, self.context = table, tuple(others), context
        self.asked = self.found = 0
        self._told = False
        self._new: list[tuple[Tensor, ...]] = []  # which are not in the table yet
        recorders = model.distiller.teacher_recorders.recorders.values()
        self._listeners = [r for r in recorders if isinstance(r, ModuleOutputsRecorder)]

    def begin(self) -> None:
        """Take the teacher's place."""
        # Not by setattr: it is no part of the module, and in no checkpoint.
        self.model.teacher.__dict__['forward'] = self.forward

    def end(self) -> None:
        """Give it back."""
        self.model.teacher.__dict__.pop('forward', None)
        self.flush()

    def flush(self) -> None:
        """All answers so far outlast a loss of power, too."""
        self.keep()
        self.table.flush()

    @torch.compiler.disable
    def forward(
        self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor'
    ) -> Any:
        """As the teacher's; of a loss, which nobody reads, nothing."""
        rows = rows_in(data_samples)
        if rows is None or not any(one.recording for one in self._listeners):
            teacher = self.model.teacher
            return type(teacher).forward(teacher, inputs, data_samples, mode=mode)
        answer = self.both(rows.to(inputs.device, non_blocking=True))
        self.kept.fill(self.model.distiller, answer)
        return answer['logits'] if mode == 'tensor' else {}

    def both(self, rows: Tensor) -> dict[str, Tensor]:
        """The teacher's tensors by kind, of rows as :meth:`ahead` makes them."""
        width = self.kept.widths[self.kind]
        known = self.kept.both(self.kind, rows[:, :width])
        if self.others:
            total = known['logits'].float() + rows[:, width:]
            mean = total / (1 + len(self.others))
            known['logits'] = mean.to(known['logits'].dtype)
        return known

    def ahead(self, batch: dict) -> None:
        """Put the rows of a batch into it, where the step will find them.

        They are of the table's width; the sum of the other teachers' logits is behind.

        Args:
            batch: as a loader gives it. One that does not tell its views, or that is
                to be mixed, stays as it is: the teacher itself answers.
        """
        if isinstance(self.model, LeanDistill) and self.model.distillation_stopped:
            return  # nobody listens any more
        preprocessor = self.model.data_preprocessor
        if getattr(preprocessor, 'batch_augments', None) is not None:
            self._tell('images are mixed by now (data_preprocessor.batch_augments)')
            return
        known = seen(batch.get('data_samples') if isinstance(batch, dict) else None)
        if known is None or len(known[0]) != len(batch['inputs']):
            self._tell(
                'a batch does not tell its views (its pipeline, or its loader, is '
                'another now)'
            )
            return

        def prepared() -> tuple[Tensor, list]:
            batch.update(sent(batch, preprocessor.device, join=False))
            data = preprocessor(batch, True)
            return data['inputs'], data['data_samples']

        rows = self.rows(*known, prepared)
        if self.others:
            theirs = sum(other(*known) for other in self.others)
            rows = torch.cat([rows, theirs.to(rows.device, non_blocking=True)], 1)
        batch['data_samples'][0].set_field(rows, ROWS, field_type='metainfo')

    def _tell(self, why: str) -> None:
        """In the middle of a training, once."""
        if not self._told:
            log_warning(f'teacher_store: {why}; the teacher itself answers')
        self._told = True

    def rows(
        self, images: Tensor, views: Tensor, prepared: Callable[[], tuple[Tensor, list]]
    ) -> Tensor:
        """[B, D] float32: from the table, or from the teacher, and then kept.

        Args:
            images: [B] int64.
            views: [B] int64; of one below 0 nothing is kept.
            prepared: gives images [B, ...] and data samples as the networks take them.
        """
        counted = (views >= 0) & (views < self.table.num_views)
        counted &= (images >= 0) & (images < self.table.num_images)
        images = images.where(counted, 0)
        views = views.where(counted, 0)
        values, there = self.table.rows(images, views)
        there &= counted
        self.asked += len(there)
        self.found += int(there.sum())
        absent = (~there).nonzero().flatten()
        if not len(absent):
            return values
        live = self.ask(*prepared(), absent)
        read, fits = self.table.records.rounded(live)
        read = read.where(fits[:, None], live.float())
        self._new.append((images[absent], views[absent], counted[absent], fits, live))
        # On a GPU not those that were asked for just now, which it would wait for.
        self.keep(but=live.device.type != 'cpu')
        place = absent.to(live.device, non_blocking=True)
        return values.to(live.device, non_blocking=True).index_copy_(0, place, read)

    def keep(self, but: int = 0) -> None:
        """Put what the teacher has given into the table, but for the last so many."""
        while len(self._new) > but:
            images, views, counted, fits, live = self._new.pop(0)
            new = counted & fits.cpu()
            self.table.write(images[new], views[new], live.cpu()[new])

    @torch.no_grad()
    def ask(self, inputs: Tensor, samples: list, index: Tensor) -> Tensor:
        """What the teacher itself gives for some of a batch, [len(index), D]."""
        number = len(index)
        if number < LEAST:
            index = torch.cat([index, torch.arange(LEAST - number) % len(inputs)])
        part = inputs
        if number < max(len(inputs), LEAST):
            part = inputs[index.to(inputs.device, non_blocking=True)]
        found: list[Tensor] = []
        layer = self.kept.classifier if self.kind == 'features' else self.model.teacher
        assert layer is not None
        handle = layer.register_forward_hook(
            lambda module, given, output: found.append(
                given[0] if self.kind == 'features' else output
            )
        )
        try:
            with self.context():
                if isinstance(self.model, LeanDistill):
                    self.model.ask_teacher(part, inputs, samples)
                else:
                    self.model.teacher(part, mode='tensor')
        finally:
            handle.remove()
        return found[-1][:number]
