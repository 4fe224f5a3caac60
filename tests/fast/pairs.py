"""A small pair of networks with a distiller around it, for the tests here."""

import copy

import torch
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS as ENGINE_MODELS
from mmpretrain.structures import DataSample
from mmrazor.registry import MODELS
from torch import Tensor, nn

from mcmi_plugin.fast.lean import LeanDistill

CLASSES, BATCH = 5, 6
KD = dict(
    distill_losses=dict(
        loss_kd=dict(type='KLDivergence', tau=4, reduction='batchmean', loss_weight=0.9)
    ),
    loss_forward_mappings=dict(
        loss_kd=dict(
            preds_S=dict(recorder='fc', from_student=True),
            preds_T=dict(recorder='fc', from_student=False),
        )
    ),
)


@ENGINE_MODELS.register_module()
class Viewing(BaseModule):
    """Flattens its map by ``view``, as mmpretrain's VGG and AlexNet do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.norm(self.conv(x))
        return (x.view(len(x), -1),)


VIEWS = dict(
    backbone=dict(type='Viewing'),
    neck=None,
    head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=64),
)


def network(depth: int, **classifier) -> dict:
    return (
        dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(type='CIFARResNet', depth=depth),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=64),
        )
        | classifier
    )


def config(recorders: dict | None = None, **changes) -> dict:
    """KD from a ResNet-14 to a ResNet-8; more recorders on the teacher."""
    fc = dict(type='ModuleOutputs', source='head.fc')
    distiller = dict(
        type='ConfigurableDistiller',
        student_recorders=dict(fc=fc),
        teacher_recorders=dict(fc=fc, **(recorders or {})),
        **KD,
    )
    model = dict(
        _scope_='mmrazor',
        type='SingleTeacherDistill',
        architecture=network(8),
        teacher=network(14),
        distiller=distiller,
        # Which leaves images in double precision as they are.
        data_preprocessor=dict(type='mmengine.BaseDataPreprocessor'),
    )
    return model | changes


def build(cfg: dict, lean: bool = True, **options) -> nn.Module:
    """The model in training mode; its weights depend on nothing else.

    In double precision: rounding is some 1e-15 then, on any processor, and what is
    not rounding stands out.
    """
    torch.manual_seed(0)
    cfg = copy.deepcopy(cfg) | (dict(type='LeanDistill') if lean else {}) | options
    model = MODELS.build(cfg)
    assert isinstance(model, LeanDistill) == lean
    settle(model.teacher)
    model.double().train()
    return model


def settle(teacher: nn.Module, seed: int = 1) -> None:
    """Statistics as after a training, so that batch norm does something."""
    generator = torch.Generator().manual_seed(seed)
    for module in teacher.modules():
        if isinstance(module, nn.BatchNorm2d):
            with torch.no_grad():
                for tensor, low in (
                    (module.running_mean, -0.5),
                    (module.bias, -0.5),
                    (module.running_var, 0.5),
                    (module.weight, 0.5),
                ):
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) + low)


def batch(seed: int = 0, size: int = 16) -> tuple[Tensor, list[DataSample]]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(BATCH, 3, size, size, generator=generator).double()
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)
    return images, [DataSample().set_gt_label(label) for label in labels]


def sgd(model: nn.Module) -> OptimWrapper:
    trained = [p for p in model.parameters() if p.requires_grad]
    return OptimWrapper(torch.optim.SGD(trained, lr=0.05, momentum=0.9))


def steps(model: nn.Module, number: int = 3) -> list[dict[str, Tensor]]:
    """The losses of so many training steps, each on a batch of its own."""
    optimizer = sgd(model)
    losses = []
    for i in range(number):
        inputs, samples = batch(i)
        data = dict(inputs=inputs, data_samples=samples)
        losses.append(model.train_step(data, optimizer))
    return losses


def records(model: nn.Module) -> dict[str, list]:
    recorders = model.distiller.teacher_recorders.recorders
    return {name: list(recorder.data_buffer) for name, recorder in recorders.items()}
