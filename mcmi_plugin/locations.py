"""Where this project's configs and tools are: in the wheel, or in the checkout."""

import sys
from collections.abc import Sequence
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


def script_at(words: Sequence[str]) -> int:
    """Where a command line names its script, after Python and its flags.

    Args:
        words: with a script, ``-m mcmi_plugin``, or ``mcmi-plugin`` among them.
    """
    return next(
        (
            i
            for i, word in enumerate(words)
            if word.endswith(('.py', 'mcmi-plugin')) or word == '-m'
        ),
        len(words),
    )


def called_by_name() -> bool:
    """Whether this process is ``mcmi-plugin COMMAND``, or ``python -m mcmi_plugin``."""
    words = sys.orig_argv[script_at(sys.orig_argv) :]
    by_script = bool(words) and words[0].endswith('mcmi-plugin')
    return by_script or words[:2] == ['-m', 'mcmi_plugin']


def is_command() -> bool:
    """Whether this process is one of ``tools/``, whichever way it was called."""
    words = sys.orig_argv[script_at(sys.orig_argv) :]
    in_tools = bool(words) and Path(words[0]).resolve().parent == TOOLS
    return in_tools or called_by_name()
