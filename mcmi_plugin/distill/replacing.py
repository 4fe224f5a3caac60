"""A part of a config that replaces what the config would inherit in its place."""

from typing import Any

from mmengine.config import ConfigDict

_DELETE = '_delete_'  # mmengine's mark of such a part


class Replacing(ConfigDict):
    """What ``dict(_delete_=True, ...)`` is, with no such key in it.

    mmengine takes the mark out where something is inherited, and leaves it in, for
    the component to trip over, where nothing is. Here it is only answered for: the
    same config serves in both places, and is what is built and dumped.
    """

    def pop(self, key: str, default: Any = None) -> Any:
        return True if key == _DELETE else super().pop(key, default)
