"""Keep warnings from the user that are upstream's and ask nothing of anyone."""

import warnings

_HARMLESS = (
    # mmcv-lite has no compiled operators, and none is used here.
    'Fail to import ``MultiScaleDeformableAttention``',
    # MMRazor's DKDLoss still says size_average=False; the result is the same.
    'size_average and reduce args will be deprecated',
    # mmengine gives the scope back as soon as the model is built.
    'The current default scope "mmcls" is not "mmpretrain"',
)


def silence_harmless_warnings() -> None:
    """Ignore the warnings above, each by its own text and no other."""
    for message in _HARMLESS:
        warnings.filterwarnings('ignore', message=message)
