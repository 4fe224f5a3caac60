"""What the installed stack gets wrong, put right in one place.

Each mend first looks for the defect and leaves a mended upstream alone; its
docstring says what is wrong and by which observation it falls away.
"""

import functools

from mcmi_plugin.compat.startup import imports_kept, settle_environment
from mcmi_plugin.compat.versions import check_versions

__all__ = ['apply']


@functools.cache
def apply() -> None:
    """Make the stack usable; to be called before anything else is imported.

    Importing OpenMMLab's packages is part of it: they register their classes
    when they are imported, and MMRazor takes names from mmcls at that moment.

    Raises:
        UserError: a package is missing or of a version that does not work.
    """
    check_versions()
    settle_environment()
    with imports_kept():
        _import_and_mend()


def _import_and_mend() -> None:
    # Not before the check: these import torch, which may not be there.
    from mcmi_plugin.compat import (
        atomic_checkpoints,
        bounded_history,
        checkpoints,
        find_loader,
        installed_packages,
        loading,
        mmcls_alias,
        mmcls_configs,
        mmrazor_import,
        own_configs,
        pictures,
        preactivation,
        published_data,
        quiet,
        relational_kd,
        startup,
        stock_configs,
        teacher_ckpt,
        teacher_images,
        trackers,
        untyped_preprocessor,
        validation_pairs,
        validation_scope,
        wrapped_classifiers,
    )

    quiet.silence_harmless_warnings()
    checkpoints.allow_mmengine_checkpoints()
    checkpoints.keep_loading_safe()
    atomic_checkpoints.write_whole_checkpoints()
    bounded_history.bound_metric_history()
    startup.spare_repeated_work()
    find_loader.mend_find_loader()
    loading.load_operators()
    installed_packages.find_packages_by_importlib()
    mmcls_configs.translate_mmcls_paths()
    own_configs.resolve_own_paths()
    mmcls_alias.alias_mmcls()
    mmrazor_import.import_mmrazor()
    preactivation.mend_set_module_inplace_false()
    relational_kd.mend_relational_kd()
    teacher_ckpt.mend_teacher_ckpt()
    teacher_images.mend_teacher_images()
    stock_configs.mend_inline_classifier()
    stock_configs.mend_deit_head()
    stock_configs.mend_crd_dataset()
    stock_configs.mend_crd_packing()
    validation_scope.mend_validation_loops()
    validation_pairs.pair_validation_hooks()
    untyped_preprocessor.mend_untyped_preprocessor()
    published_data.mend_published_data()
    pictures.mend_load_image()
    wrapped_classifiers.mend_wrapped_classifiers()
    trackers.give_each_runner_its_run()
