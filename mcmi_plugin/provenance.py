"""What a file was made from and by: the hash of a recipe, and the versions."""

import hashlib
import json

import mmengine
import mmpretrain
import mmrazor
import torch

from mcmi_plugin.version import __version__


def fingerprint(recipe: dict) -> str:
    """Hash of a recipe, the same in every process and on every machine."""
    text = json.dumps(recipe, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what a file was made by."""
    upstream = (torch, mmengine, mmpretrain, mmrazor)
    found = {package.__name__: package.__version__ for package in upstream}
    return dict(mcmi_plugin=__version__, **found)
