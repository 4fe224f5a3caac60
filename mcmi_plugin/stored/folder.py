"""The folder of a store: its table, and a manifest that tells what the rows are of."""

import json
import os
from pathlib import Path

import torch
from filelock import FileLock
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.provenance import fingerprint, versions
from mcmi_plugin.stored.records import Records
from mcmi_plugin.stored.table import Table
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.whole_file import NotWritten, whole_file

MANIFEST = 'manifest.json'
TABLE = 'rows.bin'
CLASSIFIER = 'classifier.pth'
FORMAT = 1
# Of the rows' form; the rest of an identity is what they are of.
_FORM = ('kept', 'dtype', 'width', 'num_images', 'num_views')
# How far rows may be from their teacher's, of the largest number in them: as they are
# rounded, and as another batch, a folded batch norm or another device computes them.
# On a GPU a float32 convolution rounds its inputs to 10 bits (TF32; 1.5e-3 was seen),
# bfloat16 to 7 (1.3e-2). The larger of what is said of the rows and of the step counts.
_NEAR = 5e-3
_ROUNDED = dict(int8=2e-2)
_COMPUTED = dict(float16=1e-2, bfloat16=5e-2)


def folder_of(root: str | Path, name: str, identity: dict) -> Path:
    """``root/NAME-KEPT-DTYPE-<12 digits of the identity's hash>``."""
    words = [name, identity['kept'], identity['dtype'], fingerprint(identity)[:12]]
    return Path(root, '-'.join(words))


def open_table(
    folder: Path, identity: dict, classifier: nn.Linear | None = None
) -> Table:
    """The table of a store, made empty if there is none.

    Args:
        folder: of the store.
        identity: what the rows are of, plain values: ``kept`` (``'logits'`` or
            ``'features'``), ``dtype``, ``width``, ``num_images``, ``num_views``, and
            whatever else decides about a row.
        classifier: of features; it lies beside them.

    Raises:
        UserError: another store is there, or half of one, or it cannot be written.
    """
    try:
        if not (folder / MANIFEST).is_file():  # where it is, all is
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / '.lock'):
                if not (folder / MANIFEST).is_file():
                    _make(folder, identity, classifier)
    except OSError as error:
        raise NotWritten(
            f'teacher_store.dir: {folder} cannot be written ({error.strerror}); name '
            'another folder: teacher_store.dir=DIR'
        ) from error
    return read_table(folder, identity)[0]


def read_table(folder: Path, expected: dict | None = None) -> tuple[Table, dict]:
    """A store that is there: its table and its identity.

    Args:
        folder: of it.
        expected: its identity; None takes what the manifest says.

    Raises:
        UserError: it is another store, or not whole.
    """
    path = Path(folder, MANIFEST)
    remedy = f'remove the folder {folder}'
    try:
        identity = json.loads(path.read_text())['identity']
        if missing := [key for key in _FORM if key not in identity]:
            raise KeyError(*missing)
    except FileNotFoundError as error:
        raise UserError(f'teacher_store: there is no store in {folder}') from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path} is no manifest of a store; {remedy}') from error
    expected = identity if expected is None else json.loads(json.dumps(expected))
    if identity != expected or identity.get('format', FORMAT) != FORMAT:
        wrong = [k for k in expected if identity.get(k) != expected[k]]
        raise UserError(f'{path} is of another store ({", ".join(wrong)}); {remedy}')
    computed = str(identity.get('precision', 'float32')).removeprefix('torch.')
    near = max(_ROUNDED.get(identity['dtype'], _NEAR), _COMPUTED.get(computed, _NEAR))
    size = identity['num_images'], identity['num_views']
    return Table(folder / TABLE, records_of(identity), *size, near), identity


def records_of(identity: dict) -> Records:
    """How the rows of a store lie in its table."""
    return Records(identity['width'], identity['dtype'], fingerprint(identity))


def size_of(identity: dict) -> int:
    """Bytes of a store's table, with all of its rows."""
    rows = identity['num_images'] * identity['num_views']
    return rows * records_of(identity).nbytes


def read_classifier(folder: Path, identity: dict) -> nn.Linear | None:
    """What makes logits of a store's features; None for a store of logits.

    Raises:
        UserError: it is not there, or of other features.
    """
    if identity['kept'] == 'logits':
        return None
    path = folder / CLASSIFIER
    if not path.is_file():
        raise UserError(f'{path} is not there; remove the folder {folder}')
    state = load_checkpoint_file(str(path))
    weight = state.get('weight')
    if weight is None or weight.ndim != 2 or weight.shape[1] != identity['width']:
        raise UserError(f'{path} is of other features; remove the folder {folder}')
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias='bias' in state)
    layer.load_state_dict(state)
    return layer.eval().requires_grad_(False)


def _make(folder: Path, identity: dict, classifier: nn.Linear | None) -> None:
    # The table comes first: where a manifest is, all is.
    with open(folder / TABLE, 'wb') as file:
        os.ftruncate(file.fileno(), size_of(identity))
    if classifier is not None:
        state = {
            k: v.detach().float().cpu() for k, v in classifier.state_dict().items()
        }
        with whole_file(folder / CLASSIFIER) as file:
            torch.save(state, file)
    with whole_file(folder / MANIFEST, 'w') as file:
        json.dump(dict(identity=identity, versions=versions()), file, indent=1)
