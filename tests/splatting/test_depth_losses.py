"""The depth losses: by hand, against the published arithmetic, invariances, gradients."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from m3depth.splatting.depth_losses import (
    affine_inverse_l1,
    depth_l1,
    inverse_l1,
    max_normalised_l1,
    pearson,
)

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
LOSSES: dict[str, Loss] = {
    "inverse": inverse_l1,
    "affine": partial(affine_inverse_l1, scale=0.8, offset_per_mm=0.002),
    "largest": max_normalised_l1,
    "pearson": pearson,
    "mm": depth_l1,
}
LEGACY: dict[str, Loss] = {
    "inverse, legacy": partial(inverse_l1, legacy=True),
    "affine, legacy": partial(affine_inverse_l1, scale=0.8, offset_per_mm=0.002, legacy=True),
    "largest, legacy": partial(max_normalised_l1, legacy=True),
    "pearson, legacy": partial(pearson, legacy=True),
    "mm, legacy": partial(depth_l1, legacy=True),
}
EVERY = LOSSES | LEGACY
each = pytest.mark.parametrize("name", EVERY)


def depths(batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Rendered and prior depth of tissue, with holes in both and a tool; and where to look."""
    rendered = 50 + 20 * torch.rand(batch, 5, 6, dtype=torch.float64)
    prior = 50 + 20 * torch.rand(batch, 5, 6, dtype=torch.float64)
    rendered[:, 0, 0] = rendered[:, 4, 5] = 0
    rendered[:, 2, 2], prior[:, 2, 3] = 90.0, 80.0  # on the tool
    prior[:, 0, 0] = prior[:, 1, 1] = prior[:, 3, 5] = 0
    use = torch.ones(batch, 5, 6, dtype=torch.bool)
    use[:, 2, 2:4] = False
    use[:, 3, 5] = False
    return rendered, prior, use


def both(*values: float) -> Tensor:
    return torch.tensor([[values]], dtype=torch.float64)


def everywhere(depth: Tensor) -> Tensor:
    return torch.ones_like(depth, dtype=torch.bool)


class TestByHand:
    """Three pixels that count, one without a prior, one without a rendering, one on a tool."""

    rendered = both(40.0, 50.0, 80.0, 70.0, 0.0, 500.0)
    prior = both(50.0, 50.0, 64.0, 0.0, 60.0, 20.0)
    use = torch.tensor([[[True, True, True, True, True, False]]])

    @pytest.mark.parametrize(
        ("loss", "expected"),
        [
            (inverse_l1, (0.005 + 0 + 0.003125) / 3),
            (depth_l1, (10 + 0 + 16) / 3),
            (max_normalised_l1, (abs(0.5 - 50 / 64) + abs(0.625 - 50 / 64) + 0) / 3),
            (
                partial(affine_inverse_l1, scale=0.5, offset_per_mm=0.001),
                (0.014 + 0.009 + abs(1 / 80 - 0.5 / 64 - 0.001)) / 3,
            ),
        ],
        ids=["inverse", "mm", "largest", "affine"],
    )
    def test_means_of_differences(self, loss: Loss, expected: float):
        assert loss(self.rendered, self.prior, self.use).tolist() == pytest.approx([expected])

    def test_correlation_is_numpy_s(self):
        rendered, prior = self.rendered[0, 0, :3].numpy(), self.prior[0, 0, :3].numpy()
        found = pearson(self.rendered, self.prior, self.use).item()
        assert found == pytest.approx(1 - np.corrcoef(rendered, prior)[0, 1])


def published_inverse(rendered: Tensor, prior: Tensor, use: Tensor) -> Tensor:
    rendered, prior = rendered.clone(), prior.clone()
    if (prior != 0).sum() < 10:
        return torch.zeros(())
    rendered[rendered != 0] = 1 / rendered[rendered != 0]
    prior[prior != 0] = 1 / prior[prior != 0]
    return (rendered - prior).abs()[use].mean()


def published_largest(rendered: Tensor, prior: Tensor, use: Tensor) -> Tensor:
    return (rendered / rendered.max() - prior / prior.max()).abs()[use].mean()


def published_affine(rendered: Tensor, prior: Tensor, use: Tensor) -> Tensor:
    inverse, aligned = torch.zeros_like(rendered), torch.zeros_like(prior)
    inverse[rendered > 0], aligned[prior > 0] = 1 / rendered[rendered > 0], 1 / prior[prior > 0]
    return ((inverse - (0.8 * aligned + 0.002)) * use).abs().mean()


PUBLISHED = {
    "inverse, legacy": published_inverse,
    "largest, legacy": published_largest,
    "affine, legacy": published_affine,
    "pearson, legacy": lambda r, p, use: 1 - torch.corrcoef(torch.stack([r[use], p[use]]))[0, 1],
    "mm, legacy": lambda r, p, use: (r - p).abs().mean(),
}


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_is_the_published_arithmetic(name: str):
    """Written from the table of formulas: unknown depths count, in their way."""
    rendered, prior, use = depths(batch=1)
    expected = PUBLISHED[name](rendered, prior, use).item()
    assert LEGACY[name](rendered, prior, use).item() == pytest.approx(expected, rel=1e-12)
    ours = LOSSES[name.split(",")[0]](rendered, prior, use).item()
    assert ours != pytest.approx(expected, rel=1e-3)


def test_the_published_inverse_loss_needs_ten_pixels():
    rendered, prior, use = depths(batch=1)
    prior.view(-1)[10:] = 0
    known = int((prior > 0).sum())
    assert known == 8
    assert inverse_l1(rendered, prior, use, legacy=True).item() == 0
    assert inverse_l1(rendered, prior, use).item() > 0


@each
def test_gradients(name: str):
    rendered, prior, use = depths()
    rendered[rendered == 0] = 45.0  # at 0 the depth is unknown, and there is no slope
    assert torch.autograd.gradcheck(lambda r: EVERY[name](r, prior, use), rendered.requires_grad_())


@each
def test_each_image_counts_for_itself(name: str):
    rendered, prior, use = depths()
    together = EVERY[name](rendered, prior, use)
    assert together.shape == (2,)
    for index in range(2):
        alone = EVERY[name](*(one[index : index + 1] for one in (rendered, prior, use)))
        torch.testing.assert_close(together[index], alone[0])


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_unknown_or_masked_changes_nothing(name: str):
    rendered, prior, use = depths()
    rendered.requires_grad_()
    value = LOSSES[name](rendered, prior, use)
    value.sum().backward()
    counts = use & (rendered > 0) & (prior > 0)
    assert rendered.grad[~counts].abs().max() == 0
    assert rendered.grad[counts].abs().max() > 0
    other = rendered.detach().clone()
    other[(prior == 0) | ~use] = 7000.0
    for unknown in (-3.0, float("nan"), float("inf")):
        elsewhere = torch.where(counts, prior, unknown)
        elsewhere[~use] = 9.0
        moved = other.clone().requires_grad_()
        found = LOSSES[name](moved, elsewhere, use)
        torch.testing.assert_close(found, value.detach())
        found.sum().backward()
        torch.testing.assert_close(moved.grad, rendered.grad)


EMPTY = {
    "nothing to look at": lambda r, p, use: (r, p, torch.zeros_like(use)),
    "all unknown": lambda r, p, use: (0 * r, 0 * p, use),
    "no prior": lambda r, p, use: (r, 0 * p, use),
    "a prior of NaN": lambda r, p, use: (r, p * float("nan"), use),
    "nothing rendered": lambda r, p, use: (0 * r, p, use),
}
EMPTY_CASES = [
    *((name, way) for name in LOSSES for way in EMPTY),
    # what is unknown counts there, and for some the tools as well
    *((name, "all unknown") for name in LEGACY if name != "affine, legacy"),
    *((name, "nothing to look at") for name in LEGACY if name != "mm, legacy"),
]


@pytest.mark.parametrize(("name", "way"), EMPTY_CASES)
def test_an_image_without_a_pixel_gives_zero(name: str, way: str):
    rendered, prior, use = EMPTY[way](*depths())
    rendered = rendered.requires_grad_()
    value = EVERY[name](rendered, prior, use)
    value.sum().backward()
    assert value.tolist() == [0, 0]
    assert rendered.grad.abs().max() == 0


@pytest.mark.parametrize("name", ["pearson", "pearson, legacy"])
def test_flat_depths_have_no_correlation_and_no_gradient(name: str):
    rendered, prior, use = depths()
    flat = torch.full_like(rendered, 61.3).requires_grad_()  # 61.3 is not the mean of many of it
    value = EVERY[name](flat, prior, use)
    assert value.tolist() == pytest.approx([1.0, 1.0])
    value.sum().backward()
    assert flat.grad.abs().max() == 0
    rendered = rendered.clone().requires_grad_()
    wall = torch.full_like(prior, 61.3)
    value = EVERY[name](rendered, wall, use)
    value.sum().backward()
    assert value.tolist() == [0, 0]
    assert rendered.grad.abs().max() == 0


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "affine"])
def test_the_truth_costs_nothing(name: str):
    rendered, _, use = depths()
    assert LOSSES[name](rendered, rendered, use).abs().max() < 1e-12
    _, prior, _ = depths()
    assert LOSSES[name](rendered, prior, use).min() > 1e-4


@pytest.mark.parametrize("name", ["largest", "pearson"])
def test_blind_to_scale(name: str):
    rendered, prior, use = depths()
    value = LOSSES[name](rendered, prior, use)
    torch.testing.assert_close(LOSSES[name](3.7 * rendered, prior, use), value)
    torch.testing.assert_close(LOSSES[name](rendered, 0.01 * prior, use), value)


@pytest.mark.parametrize("name", ["inverse", "mm", "affine"])
def test_not_blind_to_scale(name: str):
    rendered, prior, use = depths()
    value = LOSSES[name](rendered, prior, use)
    assert not torch.allclose(LOSSES[name](1.1 * rendered, prior, use), value)


def test_blind_to_shift():
    rendered, prior, use = depths()
    shifted = torch.where(rendered > 0, rendered + 30, 0.0)
    torch.testing.assert_close(pearson(shifted, prior, use), pearson(rendered, prior, use))
    known = prior > 0
    bent = torch.where(known, 1 / (2.5 / prior.where(known, 1.0) + 0.004), 0.0)
    assert not torch.allclose(pearson(rendered, bent, use), pearson(rendered, prior, use))


def test_an_outlier_moves_the_maximum():
    rendered, prior, use = depths(batch=1)
    clean = max_normalised_l1(rendered, prior, use)
    rendered[0, 1, 4] = 600.0
    assert (max_normalised_l1(rendered, prior, use) - clean).abs() > 5 * clean


def test_an_inverse_millimetre_at_60_is_a_thousandth_of_a_colour():
    """What a weight of 1 does: 1 mm at 60 mm against a colour that is off by 0.3."""
    prior = torch.full((1, 4, 4), 60.0, dtype=torch.float64)
    value = inverse_l1(prior + 1, prior, everywhere(prior)).item()
    assert value == pytest.approx(1 / 60**2, rel=0.02)
    assert 0.3 / value == pytest.approx(1000, rel=0.15)
