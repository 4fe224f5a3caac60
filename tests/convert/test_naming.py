"""Layers are paired by the order of their calls, not by name or registration."""

import torch
from torch import nn

from mcmi_plugin.convert.naming import names_by_calls, names_by_order


class Theirs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(4, 2)  # registered first, called last
        self.stem = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.unused = nn.Linear(4, 4)
        self.twice = nn.Linear(4, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = self.norm(self.stem(images)).mean((2, 3))
        return self.classifier(self.twice(self.twice(pooled)))


class Ours(nn.Module):
    def __init__(self, with_classifier: bool = True) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        self.middle = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2) if with_classifier else nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = self.backbone(images).mean((2, 3))
        return self.head(self.middle(self.middle(pooled)))


PAIRS = {
    'stem.weight': 'backbone.0.weight',
    'stem.bias': 'backbone.0.bias',
    **{
        f'norm.{key}': f'backbone.1.{key}'
        for key in (
            'weight',
            'bias',
            'running_mean',
            'running_var',
            'num_batches_tracked',
        )
    },
    'twice.weight': 'middle.weight',
    'twice.bias': 'middle.bias',
}


def test_pairs_by_calls() -> None:
    theirs, ours = Theirs().eval(), Ours().eval()
    assert names_by_calls(theirs, ours) == {
        **PAIRS,
        'classifier.weight': 'head.weight',
        'classifier.bias': 'head.bias',
    }


def test_what_has_no_partner_is_left_out() -> None:
    theirs, ours = Theirs().eval(), Ours(with_classifier=False).eval()
    assert names_by_calls(theirs, ours) == PAIRS


def test_networks_are_left_as_they_were() -> None:
    theirs, ours = Theirs().eval(), Ours().eval()
    before = {k: v.clone() for k, v in theirs.state_dict().items()}
    names_by_calls(theirs, ours)
    after = theirs.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any(layer._forward_pre_hooks for layer in theirs.modules())


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))  # as a ViT's cls_token
        self.stem = nn.Conv2d(3, 4, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scale * self.stem(images)


def test_weights_of_the_network_itself() -> None:
    theirs, ours = Scaled().eval(), nn.Sequential(Scaled()).eval()
    pairs = {key: f'0.{key}' for key in ('scale', 'stem.weight', 'stem.bias')}
    back = {place: key for key, place in pairs.items()}
    assert names_by_calls(theirs, ours) == pairs
    assert names_by_calls(ours, theirs) == back
    assert names_by_order(theirs.state_dict(), ours.state_dict()) == pairs
    assert names_by_order(ours.state_dict(), theirs.state_dict()) == back
