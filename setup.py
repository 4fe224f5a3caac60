"""What setup.cfg cannot say: OpenMMLab's ``.mim`` folder."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = Path(__file__).parent


class BuildWithConfigs(build_py):
    """The package as it is built has configs and tools in ``.mim``.

    There ``mim`` and ``package::`` paths look for them. An editable install leaves
    them where they are (mcmi_plugin/locations.py).
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib, 'mcmi_plugin', '.mim')
        shutil.rmtree(mim, ignore_errors=True)  # of a build before, perhaps renamed
        unwanted = shutil.ignore_patterns('__pycache__', 'check*.sh')
        for folder in ('configs', 'tools'):
            shutil.copytree(PROJECT / folder, mim / folder, ignore=unwanted)
        shutil.copy(PROJECT / 'model-index.yml', mim)


setup(cmdclass=dict(build_py=BuildWithConfigs))
