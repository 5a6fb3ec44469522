import numpy as np
import pytest
import torch

from m3depth.evaluation import metrics
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
    "bad2": lambda p, t: np.count_nonzero(np.abs(p - t) > 2) / p.size,
}
PERFECT = dict.fromkeys(REFERENCE, 0.0) | {"d1": 1.0, "d2": 1.0, "d3": 1.0}
ALL = {metric.__name__: metric for metric in DEPTH_METRICS + DISPARITY_METRICS}


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
    assert metrics.mae_mm(true + 0.5, true).item() == 0.5
    assert metrics.rmse_mm(true + 0.5, true).item() == 0.5


def test_ssim_sees_only_the_pixels_that_count() -> None:
    image = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    broken = image.clone()
    broken[..., 40:] = 0
    everywhere = torch.ones(1, 1, 32, 64, dtype=torch.bool)
    far_from_the_break = everywhere.clone()
    far_from_the_break[..., 30:] = False  # the window is 11 wide
    assert metrics.ssim(image, broken, everywhere) < 0.8
    assert metrics.ssim(image, broken, far_from_the_break).item() == pytest.approx(1, abs=1e-6)
