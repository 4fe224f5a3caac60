"""The commands of ``tools/`` by one name, also where only the wheel is installed.

mcmi-plugin train mcmi_plugin::mcmi/quickstart_digits.py
python -m mcmi_plugin train mcmi_plugin::mcmi/quickstart_digits.py
"""

import ast
import difflib
import runpy
import sys

from mcmi_plugin.locations import CONFIGS, TOOLS

USAGE = """\
usage: mcmi-plugin COMMAND [ARGUMENTS]; mcmi-plugin COMMAND --help

{commands}

The beginning of a name is enough. Configs are in {configs};
mcmi_plugin::mcmi/quickstart_digits.py names the one in its folder mcmi.
"""


def main() -> None:
    """Run the script of ``tools/`` that the first argument names, as Python would."""
    scripts = {path.stem: path for path in sorted(TOOLS.glob('*.py'))}
    given = sys.argv[1] if len(sys.argv) > 1 else ''
    if given in ('', '-h', '--help'):
        lines = [f'  {name:20}{_summary(path)}' for name, path in scripts.items()]
        print(USAGE.format(commands='\n'.join(lines), configs=CONFIGS), end='')
        sys.exit(0 if given else 2)
    meant = [given] if given in scripts else [n for n in scripts if n.startswith(given)]
    if len(meant) != 1:
        close = meant or difflib.get_close_matches(given, scripts, 1) or scripts
        print(
            f'error: there is no command {given}; did you mean {" or ".join(close)}?',
            file=sys.stderr,
        )
        sys.exit(2)
    script = str(scripts[meant[0]])
    sys.argv[:2] = [script]
    runpy.run_path(script, run_name='__main__')


def _summary(path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or '').partition('\n')[0]


if __name__ == '__main__':
    main()
