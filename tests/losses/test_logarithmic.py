"""SILog and Eigen's scale-invariant error, against NumPy and by what they are blind to."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from m3depth.losses.logarithmic import scale_invariant, silog
from m3depth.losses.per_image import Loss

SIZE = (2, 1, 9, 14)
DEPTH_ANYTHING = partial(silog, factor=1.0, mean_weight=0.5)
LOSSES = [silog, DEPTH_ANYTHING, scale_invariant]
of_every_loss = pytest.mark.parametrize("loss", LOSSES, ids=["zoe", "depth anything", "eigen"])


def depths(seed: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    true = 30 + 100 * torch.rand(SIZE, generator=draw, dtype=dtype)
    predicted = true * torch.exp(0.2 * torch.randn(SIZE, generator=draw, dtype=dtype) + 0.1)
    return predicted, true, torch.rand(SIZE, generator=draw) > 0.3


def reference(loss: Loss[[]], predicted: Tensor, true: Tensor, valid: Tensor) -> float:
    """Both in the form with the mean of squares, as the papers print it."""
    g = (np.log(predicted.numpy()) - np.log(true.numpy()))[valid.numpy()]
    factor, subtracted = {silog: (10, 0.85), DEPTH_ANYTHING: (1, 0.5)}.get(loss, (1, 1))
    inside = np.mean(g**2) - subtracted * np.mean(g) ** 2
    return float(inside if loss is scale_invariant else factor * np.sqrt(inside))


@of_every_loss
def test_agrees_with_numpy(loss: Loss[[]]):
    maps = depths(0, torch.float64)
    expected = [reference(loss, *image) for image in zip(*maps, strict=True)]
    assert loss(*maps).value.tolist() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=50)
@given(st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_eigens_error_is_blind_to_the_scale_of_either_depth(seed: int, one: float, other: float):
    predicted, true, valid = depths(seed)
    expected = scale_invariant(predicted, true, valid).value
    found = scale_invariant(one * predicted, other * true, valid).value
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", [silog, DEPTH_ANYTHING], ids=["zoe", "depth anything"])
def test_silog_is_not(loss: Loss[[]]):
    _, true, valid = depths(0)
    assert loss(true, true, valid).value.max() < 1e-6
    assert loss(2 * true, true, valid).value.min() > 0.3


@of_every_loss
def test_the_gradient_is_that_of_finite_differences(loss: Loss[[]]):
    predicted, true, valid = depths(1, torch.float64)
    assert torch.autograd.gradcheck(
        lambda one: loss(one, true, valid).value, predicted.requires_grad_()
    )


@of_every_loss
@pytest.mark.parametrize("junk", [0.0, -3.0, torch.inf, torch.nan])
def test_a_depth_that_is_none_is_left_out(loss: Loss[[]], junk: float):
    predicted, true, valid = depths(0)
    fewer = valid & (torch.rand(SIZE) > 0.2)
    broken = torch.where(fewer, predicted, junk).requires_grad_()
    found = loss(broken, true, valid)
    found.mean().backward()
    assert torch.equal(found.value, loss(predicted, true, fewer).value)
    assert broken.grad.isfinite().all()


@of_every_loss
@pytest.mark.parametrize("pixels", [0, 1])
def test_a_pixel_or_none(loss: Loss[[]], pixels: int):
    predicted, true, valid = depths(0)
    valid[0] = False
    valid[0, 0, 2, 2] = pixels == 1
    predicted.requires_grad_()
    found = loss(predicted, true, valid)
    found.mean().backward()
    assert found.counted.tolist() == [pixels == 1 and loss is not scale_invariant, True]
    assert found.value[0] >= 0
    assert predicted.grad.isfinite().all()


@of_every_loss
def test_a_perfect_prediction_has_no_gradient(loss: Loss[[]]):
    _, true, valid = depths(0)
    predicted = true.clone().requires_grad_()
    loss(predicted, true, valid).mean().backward()
    assert not predicted.grad.any()


def test_half_precision_is_not_computed_in():
    predicted, true, valid = depths(0)
    with torch.autocast("cpu", torch.bfloat16):
        found = silog(predicted, true, valid).value
    assert torch.equal(found, silog(predicted, true, valid).value)
