"""The student as one graph from pixels to logits, and as a program of torch."""

import json
from pathlib import Path

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.export.samples import Logits, Samples
from mcmi_plugin.export.source import Source
from mcmi_plugin.normalisation import Normalisation, normalisation
from mcmi_plugin.version import __version__

FILE = 'student.pt2'
LOAD = (
    'import torch',
    "model = torch.export.load('student.pt2').module()",
    'logits = model(pixels)  # torch, float32',
)


class PixelsToLogits(nn.Module):
    """A classifier with its normalisation in front."""

    mean: Tensor
    std: Tensor

    def __init__(self, student: nn.Module, way: Normalisation) -> None:
        super().__init__()
        self.student = student
        self.normalises = way.normalises
        if self.normalises:
            self.register_buffer('mean', way.mean.float().view(-1, 1, 1))
            self.register_buffer('std', way.std.float().view(-1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """``[B, 3, H, W]`` from 0 to 255 -> ``[B, C]``."""
        if self.normalises:
            pixels = (pixels - self.mean) / self.std
        # Some networks squeeze a batch of one away.
        return self.student(pixels, mode='tensor').reshape(pixels.shape[0], -1)


def write(source: Source, samples: Samples, folder: Path) -> Logits:
    """Write ``student.pt2`` and load it from there.

    Its entry ``about.json`` is :func:`about`.

    Raises:
        UserError: torch.export cannot trace the network.
    """
    path = folder / FILE
    extra_files = {'about.json': json.dumps(about(source, samples))}
    torch.export.save(traced(source, samples), path, extra_files=extra_files)
    model = torch.export.load(path).module()
    return lambda batch: model(pixels_of(batch, source.preprocessor))


def pixels_to_logits(source: Source) -> PixelsToLogits:
    """The student in evaluation mode, with its normalisation in front.

    Raises:
        UserError: a data_preprocessor of an unknown kind.
    """
    way = normalisation(source.preprocessor)
    if way is None:
        kind = type(source.preprocessor).__name__
        raise UserError(
            f'data_preprocessor.type={kind}: its normalisation is not known '
            'here; use --format mmpretrain'
        )
    return PixelsToLogits(source.student, way).eval()


def traced(source: Source, samples: Samples) -> torch.export.ExportedProgram:
    """The student as torch.export's program, for batches of any size.

    Raises:
        UserError: torch.export cannot trace it.
    """
    network = pixels_to_logits(source)
    try:
        return torch.export.export(
            network,
            (torch.zeros(2, *samples.shape),),
            dynamic_shapes=({0: torch.export.Dim('batch')},),
            strict=False,
        )
    except Exception as error:  # of many classes: any line of a network may fail
        why = one_line(error, 200)
        raise UserError(
            f'torch.export cannot trace {source.model.backbone.type} ({why}); use '
            '--format mmpretrain'
        ) from error


def pixels_of(batch: dict, preprocessor: BaseDataPreprocessor) -> Tensor:
    """A batch as the graph takes it: float32, in the network's order of channels."""
    pixels = torch.stack(batch['inputs']).float()
    return pixels.flip(1) if _turns(preprocessor) and pixels.shape[1] == 3 else pixels


def about(source: Source, samples: Samples) -> dict:
    """What a user of the graph has to know, as values that JSON has."""
    facts = dict(
        input=f'pixels: float32 [batch, {", ".join(map(str, samples.shape))}], '
        'from 0 to 255; the graph normalises them',
        channel_order=_order(source),
        output='logits: float32 [batch, classes], before the softmax',
        input_size=list(samples.shape),
        classes=samples.classes,
        exported_from=str(source.checkpoint),
        versions=dict(mcmi_plugin=__version__, torch=str(torch.__version__)),
    )
    way = normalisation(source.preprocessor)
    if way is not None and way.normalises:
        facts['mean_in_graph'] = way.mean.tolist()
        facts['std_in_graph'] = way.std.tolist()
    return facts


def _order(source: Source) -> str:
    if not _turns(source.preprocessor):
        return 'that of the data set'
    # The module has forgotten which way it turns them.
    said = source.cfg.model.get('data_preprocessor') or {}
    return 'BGR' if said.get('rgb_to_bgr') else 'RGB'


def _turns(preprocessor: BaseDataPreprocessor) -> bool:
    way = normalisation(preprocessor)
    return way is not None and way.turned
