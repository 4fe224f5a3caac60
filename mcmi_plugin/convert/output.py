"""Write a converted checkpoint, whole or not at all."""

import os
import os.path as osp

from mcmi_plugin.convert.convert import Conversion
from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.file import write_checkpoint_file


def check_output(source: str, out: str) -> None:
    """Refuse to write over the source, or where nothing can be written.

    Raises:
        UserError: one line that names the file.
    """
    if osp.exists(out) and osp.exists(source) and osp.samefile(source, out):
        raise UserError(f'{out}: is the checkpoint itself; name another file to write')
    folder = osp.dirname(osp.abspath(out))
    while not osp.exists(folder):  # made on the way
        folder = osp.dirname(folder)
    if not osp.isdir(folder) or not os.access(folder, os.W_OK) or osp.isdir(out):
        raise UserError(f'{out}: cannot be written; name a file in a folder that can')


def write_conversion(conversion: Conversion, out: str) -> None:
    """Write an ordinary checkpoint of mmpretrain: ``state_dict`` and ``meta``.

    Its folder is made where there is none.

    Raises:
        UserError: it cannot be written; what was there before is unchanged.
    """
    checkpoint = {'meta': conversion.meta, 'state_dict': conversion.placement.state}
    os.makedirs(osp.dirname(osp.abspath(out)), exist_ok=True)
    write_checkpoint_file(out, checkpoint)
