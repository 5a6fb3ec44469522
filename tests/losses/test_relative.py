"""The losses blind to scale and shift: against NumPy, by their invariances, and where they end."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from m3depth.losses.per_image import Loss, median_where
from m3depth.losses.relative import gradient_matching, mae, mse, trimmed_mae

SIZE = (2, 1, 12, 17)
LOSSES = [mse, mae, trimmed_mae, gradient_matching]
of_every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)


def maps(seed: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Predicted, true and valid; the second image has an even number of valid pixels."""
    draw = torch.Generator().manual_seed(seed)
    true = torch.rand(SIZE, generator=draw, dtype=dtype)
    predicted = true + 0.3 * torch.randn(SIZE, generator=draw, dtype=dtype)
    valid = torch.rand(SIZE, generator=draw) > 0.4
    valid[0, 0, 0, 0] = valid[0].sum() % 2 == 0
    valid[1, 0, 0, 0] = valid[1].sum() % 2 == 1
    return predicted, true, valid


def reference(name: str, predicted: Tensor, true: Tensor, valid: Tensor) -> float:
    """One image in NumPy's own functions, straight from the paper."""
    d, t, v = (one[0].numpy() for one in (predicted, true, valid))
    count = v.sum()

    def robust(x: np.ndarray, where: np.ndarray = v, spread: Callable = np.mean) -> np.ndarray:
        middle = np.median(x[where])
        return (x - middle) / spread(np.abs(x[where] - middle))

    if name == "trimmed_mae":
        sizes = np.abs(robust(d, spread=np.median) - robust(t, spread=np.median))
        v = v & (sizes <= np.sort(sizes[v])[count - count // 5 - 1])
        return float(np.abs(robust(d, v) - robust(t, v))[v].sum() / (2 * count))
    d, t = robust(d), robust(t)
    if name == "mse":
        matrix = np.stack([d[v], np.ones(v.sum())], 1)
        return float(np.linalg.lstsq(matrix, t[v], rcond=None)[1][0] / (2 * count))
    if name == "gradient_matching":
        return sum(_rough((d - t)[::n, ::n], v[::n, ::n]) for n in (1, 2, 4, 8))
    return float(np.abs(d - t)[v].sum() / (2 * count))


def _rough(residual: np.ndarray, valid: np.ndarray) -> float:
    total = 0.0
    for (y, x), counts in np.ndenumerate(valid):
        for other in ((y, x + 1), (y + 1, x)):
            if counts and all(np.less(other, valid.shape)) and valid[other]:
                total += abs(residual[other] - residual[y, x])
    return total / valid.sum()


@of_every_loss
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_numpy(loss: Loss[[]], seed: int):
    predicted, true, valid = maps(seed, torch.float64)
    found = loss(predicted, true, valid)
    expected = [reference(loss.__name__, *image) for image in zip(predicted, true, valid)]  # noqa: B905
    assert found.value.tolist() == pytest.approx(expected, rel=1e-9)
    assert found.counted.all()


FACTORS = st.floats(1e-3, 1e3)
SHIFTS = st.floats(-10, 10)  # in units of the map's range, before it is scaled


@of_every_loss
@settings(max_examples=40)
@given(st.integers(0, 99), FACTORS, SHIFTS, FACTORS, SHIFTS)
def test_scale_and_shift_of_neither_map_matter(
    loss: Loss[[]], seed: int, scale: float, shift: float, other_scale: float, other_shift: float
):
    predicted, true, valid = maps(seed)
    moved = scale * (predicted + shift), other_scale * (true + other_shift)
    expected = loss(predicted, true, valid).value
    torch.testing.assert_close(loss(*moved, valid).value, expected, rtol=1e-5, atol=1e-5)


@of_every_loss
def test_what_is_not_valid_does_not_matter(loss: Loss[[]]):
    predicted, true, valid = maps(0)
    expected = loss(predicted, true, valid).value
    for junk in (1e9, torch.nan, torch.inf, -torch.inf):
        there = predicted.masked_fill(~valid, junk).requires_grad_()
        found = loss(there, true.masked_fill(~valid, junk), valid).value
        found.sum().backward()
        assert torch.equal(found, expected)
        assert torch.equal(there.grad != 0, (there.grad != 0) & valid)
        assert there.grad.isfinite().all()


@of_every_loss
def test_an_image_does_not_know_its_neighbours_in_the_batch(loss: Loss[[]]):
    whole = maps(0)
    alone = [loss(*(one[i : i + 1] for one in whole)).value for i in range(2)]
    torch.testing.assert_close(loss(*whole).value, torch.cat(alone))


@of_every_loss
def test_the_gradient_is_that_of_finite_differences(loss: Loss[[]]):
    predicted, true, valid = maps(3, torch.float64)
    assert torch.autograd.gradcheck(
        lambda one: loss(one, true, valid).value, predicted.requires_grad_(), eps=1e-7
    )


@of_every_loss
def test_a_perfect_prediction_costs_nothing_at_1000_give_or_take_a_hundredth(loss: Loss[[]]):
    """Numbers whose relief is the last four digits of a float32."""
    true = maps(0)[1] * 0.01 - 0.005
    disparity = 1000 + true
    valid = torch.ones(SIZE, dtype=torch.bool)
    assert loss(disparity, 3 * (disparity - 1000), valid).value.max() < 1e-5


@of_every_loss
def test_half_precision_is_not_computed_in(loss: Loss[[]]):
    predicted, true, valid = maps(0)
    exact = loss(predicted.bfloat16().float(), true, valid).value
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(predicted.bfloat16(), true, valid).value
    assert found.dtype == torch.float32
    assert torch.equal(found, exact)


class TestOutliersAmongTheLabels:
    """15 % of them, at all depths, to both sides or to one."""

    TRUE = torch.linspace(0, 1, 400, dtype=torch.float64).reshape(1, 1, 20, 20)
    VALID = torch.ones_like(TRUE, dtype=torch.bool)
    WRONG = torch.arange(400).reshape(TRUE.shape) % 20 < 3
    UP_AND_DOWN = torch.where(torch.arange(400).reshape(TRUE.shape) % 2 == 0, 1.0, -1.0)
    UP = torch.ones_like(TRUE)

    @pytest.mark.parametrize("side", [UP_AND_DOWN, UP], ids=["both sides", "one side"])
    def test_do_not_move_the_trimmed_loss(self, side: Tensor):
        found = (self.TRUE + 0.05 * torch.sin(37 * self.TRUE)).requires_grad_()
        sizes = (3.0, 1e3, 1e6)
        wrong = [torch.where(self.WRONG, self.TRUE + size * side, self.TRUE) for size in sizes]
        losses = [trimmed_mae(found, one, self.VALID).mean() for one in wrong]
        losses[2].backward()
        assert not found.grad[self.WRONG].any()
        values = [one.item() for one in losses]
        assert values == pytest.approx([values[0]] * 3)
        absent = trimmed_mae(found, self.TRUE, self.VALID & ~self.WRONG, trimmed=20 / 340)
        assert values[0] == pytest.approx(absent.mean().item() * 340 / 400, rel=0.1)
        assert trimmed_mae(self.TRUE, wrong[2], self.VALID).value < 1e-12
        assert mae(self.TRUE, wrong[2], self.VALID).value > 0.1


class TestWhereThereIsNothingToCompare:
    @pytest.fixture(params=LOSSES, ids=lambda loss: loss.__name__)
    def loss(self, request: pytest.FixtureRequest) -> Loss[[]]:
        return request.param

    def finite(self, loss: Loss[[]], predicted: Tensor, true: Tensor, valid: Tensor) -> list[bool]:
        """Which images count; value and gradient must be finite for all."""
        predicted = predicted.clone().requires_grad_()
        found = loss(predicted, true, valid)
        found.mean().backward()
        assert found.value.isfinite().all()
        assert predicted.grad.isfinite().all()
        return found.counted.tolist()

    def test_no_valid_pixel_or_a_single_one(self, loss: Loss[[]]):
        predicted, true, valid = maps(0)
        valid[0] = False
        valid[1] = False
        valid[1, 0, 3, 3] = True
        assert self.finite(loss, predicted, true, valid) == [False, False]
        assert loss(predicted, true, valid).mean() == 0

    def test_a_constant_truth_is_left_out(self, loss: Loss[[]]):
        predicted, true, valid = maps(0)
        true[1] = 0.1
        assert self.finite(loss, predicted, true, valid) == [True, False]
        alone = loss(predicted[:1], true[:1], valid[:1]).mean()
        assert loss(predicted, true, valid).mean() == pytest.approx(float(alone))

    @pytest.mark.parametrize("level", [0.0, 0.1, 1e6])
    def test_a_constant_prediction_counts_as_a_plane(self, loss: Loss[[]], level: float):
        _, true, valid = maps(0)
        flat = torch.full(SIZE, level)
        assert self.finite(loss, flat, true, valid) == [True, True]
        values = loss(flat, true, valid).value
        if loss is mae:
            assert values.tolist() == pytest.approx([0.5, 0.5])
        assert (values > 0.1).all()

    def test_infinite_predictions_are_left_out(self, loss: Loss[[]]):
        predicted, true, valid = maps(0)
        fewer = valid & (torch.rand(SIZE) > 0.2)
        broken = torch.where(fewer, predicted, torch.inf)
        assert self.finite(loss, broken, true, valid) == [True, True]
        assert torch.equal(loss(broken, true, valid).value, loss(predicted, true, fewer).value)


def test_only_the_squared_loss_is_blind_to_a_relief_turned_inside_out():
    _, true, valid = maps(0)
    values = {loss.__name__: float(loss(-true, true, valid).mean()) for loss in LOSSES}
    assert values.pop("mse") < 1e-6
    assert min(values.values()) > 0.3


@settings(max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=12))
def test_the_median_is_numpys(values: list[float]):
    kept = torch.tensor(values)
    padded = torch.cat([kept, torch.full((5,), 7.0)]).reshape(1, 1, 1, -1)
    keep = torch.arange(padded.numel()).reshape(padded.shape) < len(values)
    assert median_where(padded, keep).item() == pytest.approx(np.median(kept.numpy()), rel=1e-6)
