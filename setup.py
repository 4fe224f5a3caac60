"""What setup.cfg cannot say: OpenMMLab's ``.mim`` folder."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = Path(__file__).parent


# In an editable install, where mim looks for a script of tools/.
REDIRECTION = """\
import runpy, sys
sys.argv[0] = {script!r}
runpy.run_path(sys.argv[0], run_name='__main__')
"""


class BuildWithConfigs(build_py):
    """The package as it is built has configs and tools in ``.mim``.

    There ``mim`` and ``package::`` paths look for them. An editable install leaves
    them where they are (mcmi_plugin/locations.py); what it puts there leads to them.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            self._lead_mim_to_tools()
            return
        mim = Path(self.build_lib, 'mcmi_plugin', '.mim')
        shutil.rmtree(mim, ignore_errors=True)  # of a build before, perhaps renamed
        unwanted = shutil.ignore_patterns('__pycache__', '*check*.sh')
        for folder in ('configs', 'tools'):
            shutil.copytree(PROJECT / folder, mim / folder, ignore=unwanted)
        shutil.copy(PROJECT / 'model-index.yml', mim)

    def _lead_mim_to_tools(self) -> None:
        """mim runs ``SITE-PACKAGES/mcmi_plugin/.mim/tools/train.py``.

        A folder without ``__init__.py`` does not hide the package, which the path has
        as a whole (``editable_wheel`` in setup.cfg): Python takes it for a namespace,
        and a package that comes later before it.
        """
        installed = Path(self.distribution.get_command_obj('install').install_purelib)
        tools = installed / 'mcmi_plugin' / '.mim' / 'tools'
        tools.mkdir(parents=True, exist_ok=True)
        for script in (PROJECT / 'tools').glob('*.py'):
            text = REDIRECTION.format(script=str(script))
            (tools / script.name).write_text(text)


setup(cmdclass=dict(build_py=BuildWithConfigs))
