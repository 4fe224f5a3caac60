"""A teacher that answers from a table, and is asked itself for what is not there."""

from typing import Any

import torch
from mmengine.logging import print_log
from mmrazor.models.task_modules.recorder import ModuleOutputsRecorder
from torch import Tensor, nn

from mcmi_plugin.stored.kept import Kept
from mcmi_plugin.stored.table import Table
from mcmi_plugin.stored.views import seen

# A batch of a few images is computed in another order of operations; from 5 on a row
# is the same to the last bit in any batch (CPU; measured with torch 2.14.1).
LEAST = 8


class Answers:
    """In a teacher's place while its recorders listen.

    They find what the teacher's own run would have left, from rows as they are read
    back (so that a student does not depend on what was there before). Views that the
    table lacks are run through the teacher, together and in ``mode='tensor'``, and
    kept. A validation, or anybody else who calls the teacher, gets the teacher.

    Args:
        model: the distiller, whose teacher it is.
        kept: what of the teacher is kept.
        kind: of the table.
        table: of its rows.
        others: tables of other teachers' logits, in all rows; the answer is the mean.

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
    ) -> None:
        self.model, self.kept, self.kind = model, kept, kind
        self.table, self.others = table, tuple(others)
        self.asked = self.found = 0
        self._told = False
        recorders = model.distiller.teacher_recorders.recorders.values()
        self._listeners = [r for r in recorders if isinstance(r, ModuleOutputsRecorder)]

    def begin(self) -> None:
        """Take the teacher's place."""
        # Not by setattr: it is no part of the module, and in no checkpoint.
        self.model.teacher.__dict__['forward'] = self.forward

    def end(self) -> None:
        """Give it back."""
        self.model.teacher.__dict__.pop('forward', None)
        self.table.flush()

    @torch.compiler.disable
    def forward(
        self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor'
    ) -> Any:
        """As the teacher's; of a loss, which nobody reads, nothing."""
        teacher = self.model.teacher
        if not any(listener.recording for listener in self._listeners):
            return type(teacher).forward(teacher, inputs, data_samples, mode=mode)
        known = seen(data_samples)
        if known is None or len(known[0]) != len(inputs):
            self._tell_of_unknown_views()
            return type(teacher).forward(teacher, inputs, data_samples, mode=mode)
        answer = self._both(inputs, *known)
        self.kept.fill(self.model.distiller, answer)
        return answer['logits'] if mode == 'tensor' else {}

    def _both(self, inputs: Tensor, images: Tensor, views: Tensor) -> dict[str, Tensor]:
        known = self.kept.both(
            self.kind, self.rows(inputs, images, views).to(inputs.device)
        )
        if self.others:
            logits = [known['logits'].float()]
            for other in self.others:
                logits.append(other(images, views).to(inputs.device))
            mean = torch.stack(logits).mean(0)
            known['logits'] = mean.to(known['logits'].dtype)
        return known

    def rows(self, inputs: Tensor, images: Tensor, views: Tensor) -> Tensor:
        """[B, D] float32: from the table, or from the teacher, and then kept.

        Args:
            inputs: [B, ...] as the teacher takes them.
            images: [B] int64.
            views: [B] int64; of one below 0 nothing is kept.
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
        if len(absent):
            live = self.ask(inputs, absent).cpu()
            rounded, fits = self.table.records.rounded(live)
            values[absent] = rounded.where(fits[:, None], live.float())
            fits &= counted[absent]
            new = absent[fits]
            self.table.write(images[new], views[new], live[fits])
        return values

    @torch.no_grad()
    def ask(self, inputs: Tensor, index: Tensor) -> Tensor:
        """What the teacher itself gives for some of a batch, [len(index), D]."""
        teacher = self.model.teacher
        number = len(index)
        if number < LEAST:
            index = (
                torch.arange(LEAST)
                .remainder(len(inputs))
                .index_put_((torch.arange(number),), index)
            )
        part = inputs if number == len(inputs) else inputs[index.to(inputs.device)]
        if inputs.ndim == 4 and inputs.is_contiguous(memory_format=torch.channels_last):
            part = part.contiguous(memory_format=torch.channels_last)
        found: list[Tensor] = []
        handle = None
        if self.kind == 'features':
            assert self.kept.classifier is not None
            handle = self.kept.classifier.register_forward_pre_hook(
                lambda module, given: found.append(given[0])
            )
        try:
            logits = type(teacher).forward(teacher, part, None, mode='tensor')
        finally:
            if handle is not None:
                handle.remove()
        return (found[-1] if found else logits)[:number]

    def _tell_of_unknown_views(self) -> None:
        if not self._told:
            self._told = True
            print_log(
                'teacher_store: a batch does not tell its views (its pipeline or its '
                'loader is another now); the teacher itself answers',
                logger='current',
                level=30,
            )


def logits_of(table: Table, kind: str, classifier: nn.Linear | None) -> Any:
    """``(images [B], views [B]) -> [B, C] float32`` of a table that has every row."""

    @torch.no_grad()
    def logits(images: Tensor, views: Tensor) -> Tensor:
        values, there = table.rows(images, views)
        if not there.all():
            raise LookupError(f'{table.path} lacks rows')
        if kind == 'features':
            assert classifier is not None
            values = classifier(values)
        return values

    return logits
