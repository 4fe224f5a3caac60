"""The student as an ONNX file."""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from mmengine.utils import digit_version
from torch import Tensor

from mcmi_plugin.errors import UserError, one_line
from mcmi_plugin.export.graph import about, pixels_of, pixels_to_logits, traced
from mcmi_plugin.export.samples import Logits, Samples
from mcmi_plugin.export.source import Source

FILE = 'student.onnx'
LOAD = (
    'import onnxruntime',
    "session = onnxruntime.InferenceSession('student.onnx')",
    "(logits,) = session.run(None, {'pixels': pixels})  # numpy, float32",
)
# What torch's exporter itself is written in: a later opset would be a conversion,
# and runtimes lag behind.
OPSET = 18
# That of 2.6 does not go with the onnxscript of today (it cannot translate a batch
# norm), and needs none for its older one.
_EXPORTS_PROGRAMS = digit_version(torch.__version__) >= digit_version('2.7')


def write(source: Source, samples: Samples, folder: Path) -> Logits:
    """Write ``student.onnx`` and load it from there.

    Its ``metadata_props`` are :func:`mcmi_plugin.export.graph.about`, each value as
    JSON.

    Raises:
        UserError: a package is missing, or the network has something that ONNX
            cannot say.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise UserError(
            f'--format onnx needs the package {error.name}: '
            "pip install 'mcmi_plugin[export]'"
        ) from error
    path = folder / FILE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of the exporter's own parts
            model = _graph(source, samples, path)
    except torch.onnx.OnnxExporterError as error:
        raise UserError(
            f'--format onnx: torch cannot say {source.model.backbone.type} in ONNX '
            f'({_reason(error)}); use --format torch-export'
        ) from error
    for key, value in about(source, samples).items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider']
    )

    def logits(batch: dict) -> Tensor:
        pixels = pixels_of(batch, source.preprocessor).numpy()
        return torch.from_numpy(session.run(None, {'pixels': pixels})[0])

    return logits


def _graph(source: Source, samples: Samples, path: Path) -> Any:
    """The student as an ``onnx.ModelProto``; ``path`` may be written on the way."""
    if _EXPORTS_PROGRAMS:
        program: Any = torch.onnx.export(
            traced(source, samples),
            dynamo=True,
            opset_version=OPSET,
            input_names=['pixels'],
            output_names=['logits'],
            verbose=False,
        )
        model = program.model_proto
        _name_batch(model)
        return model
    import onnx

    torch.onnx.export(
        pixels_to_logits(source),
        (torch.zeros(2, *samples.shape),),
        path,
        dynamo=False,
        opset_version=OPSET,
        input_names=['pixels'],
        output_names=['logits'],
        dynamic_axes={'pixels': {0: 'batch'}, 'logits': {0: 'batch'}},
    )
    return onnx.load(path)


def _name_batch(model: Any) -> None:
    """Call the free dimension ``batch`` in place of the exporter's ``s77``."""
    graph = model.graph
    number = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for values in (graph.input, graph.output, graph.value_info):
        for value in values:
            for dimension in value.type.tensor_type.shape.dim:
                if dimension.dim_param == number:
                    dimension.dim_param = 'batch'


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return one_line(error, 200)
