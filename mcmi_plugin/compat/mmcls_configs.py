"""Let ``mmcls::`` paths in configs mean mmpretrain's configs."""

import functools
import re
from collections.abc import Callable

from mcmi_plugin.compat.mmcls_alias import mmcls_is_installed

# mmpretrain's name of a DeiT says no longer whether it is pre-trained or fine-tuned.
# All other configs of mmcls 1.0.0rc kept their names, or changed in more than that.
_OLD_DEIT = re.compile(r'(?<=^deit/)(.+?)_(pt|ft)-')


def translate_mmcls_paths() -> None:
    """Resolve ``mmcls::path`` in ``_base_`` and ``cfg_path`` with mmpretrain.

    What upstream gets wrong: every classification config that MMRazor ships
    inherits from ``mmcls::``, a package that is mmpretrain now and renamed some
    of its configs, so none of them parses.

    It falls away when a package mmcls is installed. To be called before
    ``Config.fromfile``: ``_base_`` is read before ``custom_imports``.
    """
    import mmengine.config.config
    import mmengine.config.utils
    import mmengine.hub.hub

    if mmcls_is_installed():
        return
    resolve = mmengine.config.utils._get_package_and_cfg_path
    if resolve('mmcls::resnet/resnet18_8xb32_in1k.py')[0] != 'mmcls':
        return
    # The two readers of configs hold the function by name.
    translating = _translating(resolve)
    for module in (mmengine.config.utils, mmengine.config.config, mmengine.hub.hub):
        module._get_package_and_cfg_path = translating


def _translating(
    resolve: Callable[[str], tuple[str, str]],
) -> Callable[[str], tuple[str, str]]:
    @functools.wraps(resolve)
    def package_and_path(cfg_path: str) -> tuple[str, str]:
        package, path = resolve(cfg_path)
        if package != 'mmcls':
            return package, path
        return 'mmpretrain', _OLD_DEIT.sub(r'\1_', path)

    return package_and_path
