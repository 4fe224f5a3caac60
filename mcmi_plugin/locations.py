"""Where this project's configs and tools are: in the wheel, or in the checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# OpenMMLab's name for the folder in which a wheel carries them.
_MIM = _PACKAGE / '.mim'

ROOT = _MIM if _MIM.is_dir() else _PACKAGE.parent
CONFIGS = ROOT / 'configs'
TOOLS = ROOT / 'tools'


def typed(tool: str) -> str:
    """How a command is typed: in the checkout's folder, or where a wheel is."""
    return f'mcmi-plugin {tool}' if ROOT == _MIM else f'python tools/{tool}.py'
