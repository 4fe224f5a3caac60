"""Let a distiller take the data_preprocessor of mmpretrain's data set bases."""

import functools


def mend_untyped_preprocessor() -> None:
    """Build a ``data_preprocessor`` without a ``type`` as mmpretrain's classifiers do.

    What upstream gets wrong: none of mmpretrain's ``_base_/datasets/*.py`` gives its
    ``data_preprocessor`` a type, because its classifiers know it. MMRazor's algorithms
    around such a classifier do not, and end in a KeyError.

    It falls away when MMRazor builds one without a type.
    """
    from mmrazor.models.algorithms import BaseAlgorithm

    if _refuses_untyped(BaseAlgorithm):
        BaseAlgorithm.__init__ = _typing_preprocessor(BaseAlgorithm.__init__)


def _refuses_untyped(kind: type) -> bool:
    from mmengine.model import BaseModel

    class Network(BaseModel):
        def forward(self) -> None:
            pass

    try:
        kind(Network(), data_preprocessor=dict(num_classes=1))
    except KeyError:
        return True
    return False


def _typing_preprocessor(init):
    @functools.wraps(init)
    def init_with_type(
        self, architecture, data_preprocessor=None, *args, **kwargs
    ) -> None:
        if isinstance(data_preprocessor, dict) and 'type' not in data_preprocessor:
            data_preprocessor = dict(
                data_preprocessor, type='mmpretrain.ClsDataPreprocessor'
            )
        init(self, architecture, data_preprocessor, *args, **kwargs)

    return init_with_type
