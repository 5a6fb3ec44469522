import numpy as np
import pytest
import torch

from m3depth.evaluation import metrics, views
from m3depth.evaluation.metrics import DEPTH_METRICS, DISPARITY_METRICS

# independent reference, in NumPy
REFERENCE = {
    "mae_mm": lambda p, t: np.mean(np.abs(p - t)),
    "abs_rel": lambda p, t: np.mean(np.abs(p - t) / t),
    "sq_rel_mm": lambda p, t: np.mean((p - t) ** 2 / t),
    "rmse_mm": lambda p, t: np.sqrt(np.mean((p - t) ** 2)),
    "rmse_log": lambda p, t: np.sqrt(np.mean(np.log(p / t) ** 2)),
    "d1": lambda p, t: np.mean(np.abs(np.log(p / t)) < np.log(1.25)),
    "d2": lambda p, t: np.mean(np.abs(np.log(p / t)) < 2 * np.log(1.25)),
    "d3": lambda p, t: np.mean(np.abs(np.log(p / t)) < 3 * np.log(1.25)),
    "epe_px": lambda p, t: np.linalg.norm((p - t)[:, None], axis=1).mean(),
    "rmse_px": lambda p, t: np.sqrt(((p - t) ** 2).sum() / p.size),
    "bad3": lambda p, t: np.count_nonzero(np.abs(p - t) > 3) / p.size,
    "bad2": lambda p, t: np.count_nonzero(np.abs(p - t) > 2) / p.size,
}
PERFECT = dict.fromkeys(REFERENCE, 0.0) | {"d1": 1.0, "d2": 1.0, "d3": 1.0}
ALL = {**DEPTH_METRICS, **DISPARITY_METRICS}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_agrees_with_numpy(name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    true = 30 + 100 * torch.rand(1000, generator=generator)
    predicted = true * (0.6 + 0.9 * torch.rand(1000, generator=generator))
    expected = REFERENCE[name](predicted.double().numpy(), true.double().numpy())
    assert ALL[name](predicted, true).item() == pytest.approx(expected, abs=1e-6)
    assert expected > 0  # the case tells something about every metric


@pytest.mark.parametrize("name", sorted(PERFECT))
def test_perfect_prediction(name: str) -> None:
    true = torch.linspace(30, 150, 50)
    assert ALL[name](true, true).item() == PERFECT[name]


def test_every_metric_has_a_reference() -> None:
    assert set(ALL) == set(REFERENCE)


def test_sums_do_not_lose_float32_digits() -> None:
    true = torch.full((3_000_000,), 100.0)
    assert metrics.mae(true + 0.5, true).item() == 0.5
    assert metrics.rmse(true + 0.5, true).item() == 0.5


def test_ssim_sees_only_the_pixels_that_count() -> None:
    image = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    broken = image.clone()
    broken[..., 40:] = 0
    everywhere = torch.ones(1, 1, 32, 64, dtype=torch.bool)
    far_from_the_break = everywhere.clone()
    far_from_the_break[..., 30:] = False  # the window is 11 wide
    assert views.ssim(image, broken, everywhere) < 0.8
    assert views.ssim(image, broken, far_from_the_break).item() == pytest.approx(1, abs=1e-6)


def test_bins_agree_with_numpy_and_hold_each_pixel_once() -> None:
    generator = torch.Generator().manual_seed(4)
    true = 20 + 140 * torch.rand(2000, generator=generator)
    predicted = true * (0.6 + 0.9 * torch.rand(2000, generator=generator))
    found = metrics.mae_by_depth(predicted, true)
    p, t = predicted.double().numpy(), true.double().numpy()
    edges = [0, 30, 50, 70, 100, 150, 300]
    place = np.digitize(t, edges)
    error = np.bincount(place, np.abs(p - t)) / np.maximum(np.bincount(place), 1)
    assert list(found) == [f"mae_mm_{edges[i]}_{edges[i + 1]}" for i in range(6)]
    assert list(found.values()) == pytest.approx(error[1:], abs=1e-6)
    assert metrics.mae_by_depth(torch.tensor([51.0]), torch.tensor([50.0])) == {"mae_mm_50_70": 1.0}


def test_psnr_agrees_with_numpy_and_sees_only_the_pixels_that_count() -> None:
    generator = torch.Generator().manual_seed(0)
    image, other = torch.rand(2, 1, 3, 20, 30, generator=generator)
    counts = torch.rand(1, 1, 20, 30, generator=generator) > 0.4
    kept = counts[0, 0].numpy()
    square = (image[0].double().numpy() - other[0].double().numpy())[:, kept] ** 2
    expected = 10 * np.log10(1 / square.mean())
    assert views.psnr(image, other, counts).item() == pytest.approx(expected, abs=1e-6)
    assert views.psnr(image, image, counts).item() == pytest.approx(100)
