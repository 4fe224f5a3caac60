"""What setup.cfg cannot say: which mmcv, and OpenMMLab's ``.mim`` folder."""

import shutil
import sysconfig
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = Path(__file__).parent


def mmcv_requirement() -> str:
    # mmcv-lite and the full mmcv own the same folder, so whoever has the full one
    # must keep it. pip builds in an environment of its own, hence the look at the
    # files of the one it installs into.
    for scheme in ('purelib', 'platlib'):
        if list(Path(sysconfig.get_path(scheme)).glob('mmcv-2.*.dist-info')):
            return 'mmcv<=2.1.0'
    return 'mmcv-lite==2.1.0'


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


config = ConfigParser()
config.read(PROJECT / 'setup.cfg')
declared = config['options']['install_requires'].split('\n')
setup(
    install_requires=[*filter(None, declared), mmcv_requirement()],
    cmdclass=dict(build_py=BuildWithConfigs),
)
