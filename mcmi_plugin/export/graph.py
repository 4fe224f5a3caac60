"""The student as one graph from pixels to logits, and as a program of torch."""

import json
from pathlib import Path

import torch
from mmengine.model import BaseDataPreprocessor, ImgDataPreprocessor
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.export.samples import Logits, Samples
from mcmi_plugin.export.source import Source
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

    def __init__(self, student: nn.Module, preprocessor: BaseDataPreprocessor) -> None:
        super().__init__()
        self.student = student
        self.normalises = preprocessor._enable_normalize
        if self.normalises:
            self.register_buffer('mean', preprocessor.mean.clone())
            self.register_buffer('std', preprocessor.std.clone())

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
    kind = type(source.preprocessor)
    if not issubclass(kind, (ClsDataPreprocessor, ImgDataPreprocessor)):
        raise UserError(
            f'data_preprocessor.type={kind.__name__}: its normalisation is not known '
            'here; use --format mmpretrain'
        )
    return PixelsToLogits(source.student, source.preprocessor).eval()


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
    return pixels.flip(1) if _swaps(preprocessor) and pixels.shape[1] == 3 else pixels


def about(source: Source, samples: Samples) -> dict:
    """What a user of the graph has to know, as values that JSON has."""
    preprocessor = source.preprocessor
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
    if preprocessor._enable_normalize:
        facts['mean_in_graph'] = preprocessor.mean.flatten().tolist()
        facts['std_in_graph'] = preprocessor.std.flatten().tolist()
    return facts


def _order(source: Source) -> str:
    if not _swaps(source.preprocessor):
        return 'that of the data set'
    # The module has forgotten which way it turns them.
    said = source.cfg.model.get('data_preprocessor') or {}
    return 'BGR' if said.get('rgb_to_bgr') else 'RGB'


def _swaps(preprocessor: BaseDataPreprocessor) -> bool:
    if isinstance(preprocessor, ImgDataPreprocessor):
        return preprocessor._channel_conversion
    return preprocessor.to_rgb
