"""Only what setup.cfg cannot say: which of the two mmcv packages to depend on."""

import sysconfig
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup


def mmcv_requirement() -> str:
    # mmcv-lite and the full mmcv own the same folder, so whoever has the full one
    # must keep it. pip builds in an environment of its own, hence the look at the
    # files of the one it installs into.
    for scheme in ('purelib', 'platlib'):
        if list(Path(sysconfig.get_path(scheme)).glob('mmcv-2.*.dist-info')):
            return 'mmcv<=2.1.0'
    return 'mmcv-lite==2.1.0'


config = ConfigParser()
config.read(Path(__file__).with_name('setup.cfg'))
declared = config['options']['install_requires'].split('\n')
setup(install_requires=[*filter(None, declared), mmcv_requirement()])
