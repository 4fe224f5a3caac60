"""A classifier against the people who named the classes of the same images.

The shares of their answers are the one estimate of the true P(y | x) that real images
have: Peterson et al., *Human Uncertainty Makes Classification More Robust*, ICCV 2019.
Of n people they are off by chance, by about ``sqrt((1 - sum p^2) / n)`` in L2; that is
the same for whatever classifier they are held against.
"""

import torch
from torch import Tensor

from .bayes import pdist
from .temperature import fitted_temperature


def shares(counts: Tensor) -> Tensor:
    """The distributions that answers are counted from.

    Args:
        counts: [N, C], how many people named each class of each image; shares do too.

    Returns:
        [N, C] float64, rows that sum to 1.

    Raises:
        ValueError: other shapes, counts that are no numbers from 0 on, or an image
            that nobody named.

    >>> shares(torch.tensor([[3, 1], [0, 5]])).tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    if counts.ndim != 2:
        raise ValueError(f'counts must be [N, C]: got {list(counts.shape)}')
    counts = counts.double()
    if not bool(counts.isfinite().all()) or bool((counts < 0).any()):
        raise ValueError('counts must be finite numbers from 0 on')
    totals = counts.sum(1, keepdim=True)
    if bool((totals == 0).any()):
        image = int((totals == 0).flatten().nonzero()[0])
        raise ValueError(f'nobody has named image {image} (counted from 0)')
    return counts / totals


def halves(number: int) -> tuple[Tensor, Tensor]:
    """Two random halves of ``number`` samples, the same every time: [N / 2] int64."""
    order = torch.randperm(number, generator=torch.Generator().manual_seed(0))
    first, second = order[: number // 2], order[number // 2 :]
    return first.sort().values, second.sort().values


def likeness(logits: Tensor, people: Tensor) -> dict[str, float]:
    """How like people's distributions a classifier's are.

    Args:
        logits: [N, C], any floating dtype; computed in float64.
        people: [N, C], of :func:`shares`.

    Returns:
        ``distance``, the mean L2 distance (:func:`~.bayes.pdist`); ``kl``, the mean
        ``KL(people || P)`` in nats; ``correlation``, Pearson's, of all N C
        probabilities; ``entropy_correlation``, that of the N entropies; ``entropy``
        and ``people_entropy``, their means in nats. A correlation with what is always
        the same is NaN.
    """
    log_probs = logits.double().log_softmax(1)
    probs = log_probs.exp()
    cross = -(people * log_probs).where(people > 0, 0).sum(1)  # 0 log 0 = 0
    own, theirs = (torch.special.entr(p).sum(1) for p in (probs, people))
    return dict(
        distance=pdist(logits, people.log()).mean().item(),
        kl=(cross - theirs).mean().item(),
        correlation=_pearson(probs.flatten(), people.flatten()),
        entropy_correlation=_pearson(own, theirs),
        entropy=own.mean().item(),
        people_entropy=theirs.mean().item(),
    )


def against_people(logits: Tensor, people: Tensor) -> dict:
    """A classifier as it is and at the temperature that fits people best.

    That is the one with the smallest ``KL(people || P)``. It is chosen on one half of
    the images; everything is said of the other half.

    Args:
        logits, people: as for :func:`likeness`, N of 2 or more.

    Returns:
        ``num_samples`` of the other half, ``temperature``, and :func:`likeness` twice:
        ``as_is`` at T = 1, ``fitted`` at that temperature.
    """
    chosen_on, said_of = halves(len(logits))
    temperature = fitted_temperature(logits[chosen_on], people[chosen_on])
    rest, theirs = logits[said_of].double(), people[said_of]
    return dict(
        num_samples=len(rest),
        temperature=temperature,
        as_is=likeness(rest, theirs),
        fitted=likeness(rest / temperature, theirs),
    )


def _pearson(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a, b]))[0, 1].item()
