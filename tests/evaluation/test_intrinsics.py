import pytest
import torch

from m3depth.evaluation.intrinsics import score_cameras
from m3depth.types import StereoRig


def cameras(*rows: tuple[float, float, float, float]) -> StereoRig:
    fx, fy, cx, cy = torch.tensor(rows, dtype=torch.float64).T
    return StereoRig(fx, fy, cx, cy, cx, torch.zeros_like(fx))


SHARES = ("fx_share", "fy_share")
TRUE = cameras((100, 100, 50, 40), (130, 125, 50, 40))


def test_the_true_cameras_have_no_error():
    found = score_cameras(TRUE, TRUE, 100)
    assert found.pop("scale_adjusted") == dict.fromkeys(
        (*SHARES, "cx_px", "cy_px", "principal_px", "principal_share", "frobenius_px"),
        0.0,
    )
    assert (found.pop("frames"), found.pop("focal_ratio")) == (2, 1.0)
    assert set(found.values()) == {0.0}


def test_errors_are_shares_of_the_truth_and_pixels():
    estimated = cameras((110, 100, 53, 44), (130, 125, 50, 40))
    found = score_cameras(estimated, TRUE, 200)
    assert found["fx_share"] == pytest.approx(0.05)
    assert found["fx_share_max"] == pytest.approx(0.1)
    assert found["fy_share"] == 0
    assert (found["cx_px"], found["cy_px"]) == (1.5, 2.0)
    assert found["principal_px_max"] == pytest.approx(5.0)
    assert found["principal_share_max"] == pytest.approx(5.0 / 200)
    assert found["frobenius_px"] == pytest.approx((100 + 9 + 16) ** 0.5 / 2)


def test_a_global_error_of_the_focal_length_shows_only_where_it_is_not_adjusted():
    doubled = StereoRig(*(2 * value for value in TRUE))
    found = score_cameras(doubled, TRUE, 100)
    assert found["focal_ratio"] == pytest.approx(0.5)
    assert found["fx_share"] == pytest.approx(1.0)
    assert found["scale_adjusted"]["fx_share"] == pytest.approx(0)
    assert found["scale_adjusted"]["principal_px"] == pytest.approx(0)


def test_each_frame_is_adjusted_by_itself():
    zoomed = cameras((200, 200, 100, 80), (65, 62.5, 25, 20))
    found = score_cameras(zoomed, TRUE, 100)
    assert found["scale_adjusted"]["frobenius_px"] == pytest.approx(0, abs=1e-9)
    assert found["fx_share"] == pytest.approx(0.75)
