"""Files that are packed, and what is said of one that cannot be used."""

import gzip
import io
import zlib

from mcmi_plugin.errors import UserError, one_line

# zlib's error is no OSError; AttributeError: a folder where a file should be.
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, AttributeError)
_MOST = 2**30  # the largest official archive unpacks to less than a fifth of it


def unzipped(content: bytes) -> bytes:
    """A ``.gz`` to its end, where its checksum is.

    Raises:
        ValueError: it is larger than any of these files.
    """
    with gzip.open(io.BytesIO(content)) as stream:
        unpacked = stream.read(_MOST + 1)
    if len(unpacked) > _MOST:
        raise ValueError('it unpacks to more than 1 GB, which no official one does')
    return unpacked


def not_usable(what: str, error: Exception, url: str, way_out: str = '') -> UserError:
    """The one line about a file.

    Args:
        what: the file.
        error: why it cannot be used.
        url: where there is another one.
        way_out: what else may be done, with its own semicolon.
    """
    words = f'no data ({one_line(error)}); copy or download it again: {url}'
    return UserError(f'{what}: {words}{way_out}')
