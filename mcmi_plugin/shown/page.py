"""A page to look at: one HTML file that needs neither a network nor a script."""

import base64
import os
import struct
from collections.abc import Sequence
from itertools import groupby

from mcmi_plugin.shown.blocks import Block, Picture, Section
from mcmi_plugin.version import __version__
from mcmi_plugin.whole_file import whole_file

_PNG = b'\x89PNG\r\n\x1a\n'
# Wider pictures than this (width / height) scroll on a phone, where they would
# otherwise shrink until nothing on them can be read.
_WIDE = 1.8
# Of pictures narrower than this, in pixels, three to a row can still be read.
_NARROW = 600


def write_page(
    path: str | os.PathLike, title: str, sections: Sequence[Section], note: str = ''
) -> None:
    """Write one self-contained HTML file, whole or not at all.

    The same input gives the same bytes. Every text is escaped, and the page's own
    policy forbids scripts and every request, so that names out of a stranger's run
    are harmless. ``note`` is a line under the title.

    Raises:
        UserError: the file cannot be written.
        ValueError: a picture is no PNG.
    """
    # Loaded here: a command that writes no page does not wait for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader('mcmi_plugin', 'shown'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template('page.html.j2').render(
        title=title,
        note=note,
        sections=[(s.title, _grouped(s.blocks)) for s in sections],
        version=__version__,
    )
    with whole_file(path) as file:
        # A file's name may hold what is no character.
        file.write(html.encode('utf-8', 'replace'))


def _grouped(blocks: Sequence[Block]) -> list[tuple[str, list]]:
    """Blocks by kind, with neighbouring pictures together: they share a row."""
    groups: list[tuple[str, list]] = []
    for kind, members in groupby(blocks, lambda block: block.kind):
        found = [_embedded(b) if isinstance(b, Picture) else b for b in members]
        groups += [(kind, found)] if kind == 'picture' else [(kind, [b]) for b in found]
    return groups


def _embedded(picture: Picture) -> dict:
    png = picture.png if isinstance(picture.png, bytes) else picture.png.read_bytes()
    if not png.startswith(_PNG) or len(png) < 24:
        raise ValueError(f'picture {picture.alt!r}: not a PNG')
    width, height = struct.unpack('>II', png[16:24])
    return dict(
        data=base64.b64encode(png).decode(),
        width=width,
        height=height,
        wide=width > _WIDE * height,
        narrow=width < _NARROW,
        alt=picture.alt,
        caption=picture.caption,
    )
