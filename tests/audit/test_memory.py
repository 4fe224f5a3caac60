"""What a training step keeps, against what autograd holds of a real one."""

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from mcmi_plugin.audit.memory import memory_sentences, step_bytes


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, bias=False), nn.Linear(4, 2)

    def forward(self, inputs, mode):
        assert mode == 'tensor'
        return self.fc(self.conv(inputs).relu().mean((2, 3)))


def test_every_part_by_hand() -> None:
    found = step_bytes(Small(), torch.zeros(5, 3, 8, 8), states=2)
    weights = 4 * (3 * 4 * 9 + 4 * 2 + 2)
    # The images, the output of the ReLU and what the linear layer reads.
    kept = 4 * (5 * 3 * 64 + 5 * 4 * 36 + 5 * 4)
    assert found == dict(
        weights=weights, gradients=weights, optimizer=2 * weights, activations=kept
    )


def test_a_distillation_tells_of_fine_tune_and_student() -> None:
    def network(depth: int) -> dict:
        return dict(
            _scope_='mmpretrain', type='ImageClassifier',
            backbone=dict(type='CIFARResNet', depth=depth),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
        )  # fmt: skip

    model = dict(teacher=network(14), architecture=network(8))
    cfg = Config(dict(
        default_scope='mmpretrain', model=model, train_dataloader=dict(batch_size=64),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
    ))  # fmt: skip
    teacher = MODELS.build(network(14))
    fine_tune, student = memory_sentences(cfg, teacher, torch.zeros(2, 3, 32, 32))
    assert fine_tune.startswith('A step of a fine-tune of it with a batch of 64 will')
    assert 'of the student, its teacher beside it with a batch of 64' in student
    mib = [int(s.split('about ')[1].split()[0]) for s in (fine_tune, student)]
    assert 20 < mib[1] < mib[0] < 200


def test_a_network_that_cannot_be_estimated_is_no_fault_of_the_audit() -> None:
    """Batch norm refuses the one value that a batch of one may have."""

    class Net(nn.Sequential):
        def forward(self, inputs, mode):
            return super().forward(inputs)

    cfg = Config(dict(train_dataloader=dict(batch_size=1), model={}))
    network = Net(nn.BatchNorm1d(3), nn.Linear(3, 2))
    assert memory_sentences(cfg, network, torch.zeros(2, 3)) == []
