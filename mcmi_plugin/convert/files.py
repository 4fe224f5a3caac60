"""Write a converted checkpoint: whole or not at all."""

import hashlib
import os
import os.path as osp

import torch

from mcmi_plugin.convert.convert import Conversion
from mcmi_plugin.errors import UserError


def check_output(source: str, out: str) -> None:
    """Refuse to write over the source, or where nothing can be written.

    Raises:
        UserError: one line that names the file.
    """
    if osp.exists(out) and osp.samefile(source, out):
        raise UserError(f'{out}: is the checkpoint itself; name another file to write')
    folder = osp.dirname(osp.abspath(out))
    if not osp.isdir(folder) or not os.access(folder, os.W_OK):
        raise UserError(f'{out}: the folder cannot be written; name another file')


def write_checkpoint(conversion: Conversion, source: str, out: str) -> None:
    """Write the weights as mmpretrain's own, and where they come from.

    ``meta['source']`` holds the file's name and SHA-256 and the naming.
    """
    with open(source, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    origin = dict(file=osp.basename(source), sha256=digest, naming=conversion.naming)
    temporary = f'{out}.{os.getpid()}.tmp'
    try:
        torch.save(
            {'meta': {'source': origin}, 'state_dict': conversion.state}, temporary
        )
        os.replace(temporary, out)
    except OSError as error:
        raise UserError(f'{out}: cannot be written ({error.strerror})') from error
    finally:
        if osp.exists(temporary):
            os.remove(temporary)
