"""A run's networks are built again from its work dir alone."""

import timm
from mmengine.config import Config
from mmengine.registry import MODELS

from mcmi_plugin.report.networks import _algorithm


def test_what_a_student_began_with_is_not_fetched_again(monkeypatch):
    """timm downloads while it builds; a report is made where no network is."""
    asked, create = [], timm.create_model

    def created(*args, pretrained=False, **kwargs):
        asked.append(pretrained)
        return create(*args, **kwargs)

    monkeypatch.setattr(timm, 'create_model', created)
    of_timm = dict(type='mmpretrain.TIMMBackbone', model_name='resnet10t')
    backbones = [dict(of_timm, pretrained=True), of_timm]
    for backbone in backbones:
        network = dict(type='mmpretrain.ImageClassifier', backbone=backbone)
        model = dict(type='mmrazor.BaseAlgorithm', architecture=network)
        cfg = Config(dict(model=model, data_preprocessor=dict(num_classes=2)))
        MODELS.build(_algorithm(cfg))
    assert asked == [False, False]
