from itertools import pairwise

import pytest
import torch

from m3depth.systems.schedules import cosine, halving


def rates(make, steps: int, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer, steps, **options)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_halving_at_the_paper_s_epochs():
    """Epochs 30 and 40 of 50, here at 10 steps an epoch."""
    found = rates(halving, 500)
    assert found == [1.0] * 300 + [0.5] * 100 + [0.25] * 100


def test_cosine_rises_and_falls():
    found = rates(cosine, 200, warmup=0.1, end=0.01)
    assert found[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
    assert all(a > b for a, b in pairwise(found[20:]))
    assert found[110] == pytest.approx((1 + 0.01) / 2, abs=0.01)
    assert found[-1] == pytest.approx(0.01, abs=0.001)


def test_cosine_without_a_warm_up_and_of_one_step():
    assert rates(cosine, 1, warmup=0.0) == [1.0]
    assert max(rates(cosine, 10, warmup=0.0)) == 1.0
