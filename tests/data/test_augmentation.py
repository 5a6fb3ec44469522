"""Mirror-and-swap keeps the geometry; only what the network sees is recoloured."""

import torch

from m3depth.data.augmentation import Augmentation
from m3depth.data.fields import mirrored
from m3depth.geometry.warp import warp
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

HEIGHT, WIDTH = 8, 24


def batch(count: int = 4) -> StereoBatch:
    """Random pictures; one principal point a sample, and another for the right view."""
    fx = torch.full((count,), 22.0)
    cx = torch.linspace(9.0, 13.0, count)
    return StereoBatch(
        left=torch.rand(count, 3, HEIGHT, WIDTH),
        right=torch.rand(count, 3, HEIGHT, WIDTH),
        rig=StereoRig(fx, fx, cx, cx * 0 + 3.5, cx - 1.5, cx * 0 + 5.0),
        key=[str(i) for i in range(count)],
    )


ALL, NONE = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)


def test_a_mirrored_pair_still_warps_by_a_positive_disparity():
    shift = 3
    wide = torch.rand(4, 3, HEIGHT, WIDTH + shift)
    pair = batch()
    pair["left"], pair["right"] = wide[..., :WIDTH], wide[..., shift:]  # x_right = x_left - 3
    disparity = torch.full((4, 1, HEIGHT, WIDTH), float(shift))
    for which in (NONE, ALL):
        got = mirrored(pair, which)
        rebuilt, visible = warp(got["right"], -disparity)
        error = (rebuilt - got["left"]).abs().amax(1, keepdim=True)
        assert visible.any()
        assert error[visible].max() < 1e-4
        wrong, _ = warp(got["right"], disparity)
        assert (wrong - got["left"]).abs().mean() > 0.1


def test_the_principal_points_are_mirrored_and_swapped():
    pair = batch()
    rig = mirrored(pair, ALL)["rig"]
    torch.testing.assert_close(rig.cx, WIDTH - 1 - pair["rig"].cx_right)
    torch.testing.assert_close(rig.cx_right, WIDTH - 1 - pair["rig"].cx)
    disparity = torch.full((4, 1, 1, 1), 4.0)
    torch.testing.assert_close(
        depth_from_disparity(disparity, rig), depth_from_disparity(disparity, pair["rig"])
    )


def test_each_sample_is_mirrored_alone_and_as_a_pair():
    pair, which = batch(), torch.tensor([True, False, False, True])
    got = mirrored(pair, which)
    for i in range(4):
        left, right = pair["left"][i], pair["right"][i]
        expected = (right.flip(-1), left.flip(-1)) if which[i] else (left, right)
        assert torch.equal(got["left"][i], expected[0])
        assert torch.equal(got["right"][i], expected[1])
        source = pair["rig"].mirrored(WIDTH) if which[i] else pair["rig"]
        assert [float(v[i]) for v in got["rig"]] == [float(v[i]) for v in source]
    assert got["key"] == pair["key"]


def test_the_truth_of_the_old_left_view_is_dropped():
    pair = batch()
    pair["depth_mm"] = torch.ones(4, 1, HEIGHT, WIDTH)
    assert "depth_mm" not in mirrored(pair, ALL)


def test_only_what_the_network_sees_is_recoloured():
    pair = batch()
    clean, seen = Augmentation(mirror=0.0, recolour=1.0)(pair)
    assert torch.equal(clean["left"], pair["left"])
    assert torch.equal(clean["right"], pair["right"])
    for i in range(4):
        assert not torch.allclose(seen[i], clean["left"][i], atol=1e-3)
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_what_is_seen_is_the_mirrored_left_view():
    pair = batch()
    clean, seen = Augmentation(mirror=1.0, recolour=0.0)(pair)
    assert torch.equal(clean["left"], pair["right"].flip(-1))
    assert torch.equal(seen, clean["left"])


def test_probability_0_changes_nothing():
    pair = batch()
    clean, seen = Augmentation(mirror=0.0, recolour=0.0)(pair)
    assert torch.equal(clean["left"], pair["left"])
    assert torch.equal(clean["right"], pair["right"])
    assert torch.equal(seen, pair["left"])
    for now, before in zip(clean["rig"], pair["rig"], strict=True):
        assert torch.equal(now, before)


def test_one_draw_a_pair_colours_every_pixel_alike():
    """gamma and gain of the whole picture: two pixels give both, the rest follow."""
    grey = torch.linspace(0.1, 0.4, HEIGHT * WIDTH).view(1, 1, HEIGHT, WIDTH)
    pair = batch()
    pair["left"] = grey.expand(4, 3, HEIGHT, WIDTH).clone()
    augmentation = Augmentation(mirror=0.0, recolour=1.0, brightness=(0.7, 1.2))
    _, seen = augmentation(pair)
    for sample in seen:
        logs = sample.log().view(3, -1)
        slope = (logs[:, -1] - logs[:, 0]) / (grey.max().log() - grey.min().log())
        torch.testing.assert_close(slope, slope[:1].expand(3), rtol=1e-3, atol=0)  # one gamma
        assert 0.8 <= float(slope[0]) <= 1.2
        expected = logs[:, :1] + slope[:, None] * (grey.view(1, -1).log() - grey.min().log())
        torch.testing.assert_close(logs, expected, rtol=0, atol=1e-4)
        gain = (logs[:, 0] - slope * grey.min().log()).exp()
        assert gain.min() >= 0.7 * 0.8 - 1e-3
        assert gain.max() <= 1.2 * 1.2 + 1e-3
    assert seen.flatten(1).mean(1).unique().numel() == 4  # a draw for each pair


def test_about_half_are_mirrored_and_a_seed_repeats_them():
    pair = batch(400)
    augmentation = Augmentation(mirror=0.5, recolour=0.0)
    torch.manual_seed(7)
    first, _ = augmentation(pair)
    torch.manual_seed(7)
    second, _ = augmentation(pair)
    assert torch.equal(first["left"], second["left"])
    kept = (first["left"] == pair["left"]).flatten(1).all(1).float().mean()
    assert 0.4 < float(kept) < 0.6
