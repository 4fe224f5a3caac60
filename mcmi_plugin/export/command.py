"""``export``: write the student, load it again, compare, and only then keep it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcmi_plugin.errors import UserError
from mcmi_plugin.export import graph, onnx_file, plain_mmpretrain
from mcmi_plugin.export.samples import (
    TOLERANCE,
    Comparison,
    Logits,
    Samples,
    compare_answers,
    logits_of_source,
    take_samples,
)
from mcmi_plugin.export.source import Source, read_source
from mcmi_plugin.faults.closest import did_you_mean


@dataclass(frozen=True)
class Format:
    """A form that a student can be exported in.

    Attributes:
        files: that it consists of, a network of its own aside.
        write: writes them into a folder and returns what they answer, loaded.
        load: the lines of Python that load them.
    """

    files: tuple[str, ...]
    write: Callable[[Source, Samples, Path], Logits]
    load: tuple[str, ...]


FORMATS = {
    'mmpretrain': Format(
        plain_mmpretrain.FILES, plain_mmpretrain.write, plain_mmpretrain.LOAD
    ),
    'onnx': Format((onnx_file.FILE,), onnx_file.write, onnx_file.LOAD),
    'torch-export': Format((graph.FILE,), graph.write, graph.LOAD),
}


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes:
        files: their paths.
        checkpoint: the one that the weights are from.
        num_parameters: of the student.
        comparison: with the student inside its distiller.
        load: the lines of Python that load the files, from their folder.
        note: what the files lack, and why; or nothing.
    """

    files: list[Path]
    checkpoint: Path
    num_parameters: int
    comparison: Comparison
    load: tuple[str, ...]
    note: str


def export(
    work_dir: str,
    form: str,
    checkpoint: str = 'last',
    out: str | None = None,
    options: dict | None = None,
) -> Exported:
    """The student alone out of the work dir of a run.

    The files are written, loaded again and asked about real samples of the
    validation set. They appear in ``out`` if the largest difference from the
    student inside its distiller is at most 1e-4 of the largest logit; otherwise
    nothing is left, and what was there before stays.

    Args:
        form: one of :data:`FORMATS`.
        checkpoint: ``'last'``, ``'best'``, or a file.
        out: folder for the files, by default ``WORK_DIR/export``.

    Raises:
        UserError: nothing that can be exported, no data to compare on, or a
            student that answers otherwise than before.
    """
    if form not in FORMATS:
        raise UserError(
            f'--format {form}: there is no such format; '
            f'{did_you_mean(form, FORMATS, least=0)} ({", ".join(FORMATS)})'
        )
    folder = Path(out) if out else Path(work_dir, 'export')
    if folder.resolve() == Path(work_dir).resolve():
        raise UserError(
            f'--out {out}: is the work dir, whose config student.py would be taken '
            'for; name another folder'
        )
    source = read_source(work_dir, checkpoint, options)
    samples = take_samples(source.cfg)
    expected = logits_of_source(source, samples)
    with _whole_files(folder) as unfinished:
        logits = FORMATS[form].write(source, samples, unfinished)
        comparison = compare_answers(logits, samples, expected)
        if not comparison.agrees:
            raise UserError(
                f'--format {form}: the exported student answers otherwise than the '
                f'trained one (largest difference {comparison.absolute:.1e}, '
                f'{comparison.relative:.1e} of the largest logit, above '
                f'{TOLERANCE:.0e}); nothing is written: report it with the config, '
                'or use another --format'
            )
        written = {path.name for path in unfinished.iterdir()}
    note = plain_mmpretrain.note(source) if form == 'mmpretrain' else ''
    first = FORMATS[form].files
    return Exported(
        files=[folder / name for name in (*first, *sorted(written - {*first}))],
        checkpoint=source.checkpoint,
        num_parameters=sum(p.numel() for p in source.student.parameters()),
        comparison=comparison,
        load=FORMATS[form].load,
        note=note,
    )


@contextmanager
def _whole_files(folder: Path) -> Iterator[Path]:
    """A folder to write into; its files appear in ``folder`` if nothing fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix='.unfinished-') as hidden:
            yield Path(hidden)
            for path in Path(hidden).iterdir():
                os.replace(path, folder / path.name)
    except OSError as error:
        raise UserError(
            f'--out {folder}: cannot be written ({error.strerror or error}); name '
            'another folder'
        ) from error
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
