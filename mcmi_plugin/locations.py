"""Where this project's configs and tools are: in the wheel, or in the checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# OpenMMLab's name for the folder in which a wheel carries them.
_MIM = _PACKAGE / '.mim'

ROOT = _MIM if _MIM.is_dir() else _PACKAGE.parent
CONFIGS = ROOT / 'configs'
TOOLS = ROOT / 'tools'
