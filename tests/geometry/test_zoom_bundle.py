"""A zooming lens and a path come back from exact places, whatever the size of things."""

import pytest
import torch
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.motion import landing, pose
from m3depth.geometry.zoom_bundle import (
    NUMBERS,
    Block,
    Bundle,
    Pixels,
    adjusted,
    landed,
    slopes,
)
from m3depth.types import StereoRig

FRAMES, SIZE = 5, (48, 64)
PAIRS = [(i, j) for i in range(FRAMES) for j in range(FRAMES) if i != j]


def true_bundle() -> Bundle:
    """Turns of some degrees, slides of a baseline or so, a zoom by 20 %."""
    draw = torch.Generator().manual_seed(3)
    twist = torch.randn(FRAMES, 6, generator=draw).double() * torch.tensor([0.1] * 3 + [0.8] * 3)
    twist[0] = 0
    focal = torch.linspace(58, 70, FRAMES).double()
    centre, aspect = torch.tensor([33.0, 22.0]).double(), torch.tensor(0.02).double()
    return Bundle(focal, centre, aspect, pose(twist[:, :3], twist[:, 3:]))


def pixels_of(i: int, scale: float = 1.0) -> Pixels:
    draw = torch.Generator().manual_seed(10 + i)
    x, y, disparity = torch.rand(3, 80, generator=draw).double()
    return Pixels(x * SIZE[1] * scale, y * SIZE[0] * scale, (3 + 3 * disparity) * scale)


def block(bundle: Bundle, truth: Bundle, i: int, j: int, scale: float) -> Block:
    pixels = pixels_of(i, scale)
    rest = (landed(bundle, i, j, pixels) - landed(truth, i, j, pixels))[:, :2]
    slope = slopes(bundle, i, j, pixels)
    matrix = torch.einsum("nki,nkj->ij", slope, slope)
    return Block(i, j, matrix, torch.einsum("nki,nk->i", slope, rest))


def solved(truth: Bundle, scale: float = 1.0) -> Bundle:
    bundle = Bundle.still(FRAMES, (round(SIZE[0] * scale), round(SIZE[1] * scale)))
    for _ in range(12):
        bundle = adjusted(bundle, [block(bundle, truth, i, j, scale) for i, j in PAIRS])
    return bundle


def assert_same(found: Bundle, truth: Bundle) -> None:
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)


def test_exact_places_give_the_exact_lens_and_path():
    assert_same(solved(true_bundle()), true_bundle())


def test_a_picture_twice_as_large_has_a_lens_twice_as_long():
    truth = true_bundle()
    larger = truth._replace(focal=2 * truth.focal, centre=2 * truth.centre)
    assert_same(solved(larger, 2.0), larger)


def test_pixels_land_where_a_camera_in_millimetres_sees_them():
    """Against `landing`, with a baseline of 4 mm."""
    truth, (i, j), baseline = true_bundle(), (1, 3), 4.0
    rigs = [
        StereoRig(f, f / truth.log_aspect.exp(), *truth.centre, truth.centre[0], f.new_zeros(()))
        for f in truth.focal[[i, j]]
    ]
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    disparity = 4 + 0.5 * torch.sin(x / 9) + 0.3 * torch.cos(y / 7)
    there = truth.camera_from_world[j] @ torch.linalg.inv(truth.camera_from_world[i])
    there[:3, 3] *= baseline
    depth_mm = (truth.focal[i] * baseline / disparity)[None, None]
    first, second = (StereoRig(*(one[None] for one in rig)) for rig in rigs)
    expected = landing(depth_mm, there[None], first, second)
    found = landed(truth, i, j, Pixels(*(one.flatten() for one in (x, y, disparity))))
    torch.testing.assert_close(found[:, 0], expected.x.flatten())
    torch.testing.assert_close(found[:, 1], expected.y.flatten())
    depth = truth.focal[j] * baseline / found[:, 2]
    torch.testing.assert_close(depth, expected.points[:, 2].flatten())


def test_slopes_are_those_of_a_step():
    """By `adjusted` itself: a pair's matrix 1 and slope -s is a step by s."""
    truth, i, j = true_bundle(), 1, 3
    pixels = pixels_of(i)
    slope = slopes(truth, i, j, pixels)

    def after(step: Tensor) -> Tensor:
        moved = adjusted(truth, [Block(i, j, torch.eye(NUMBERS).double(), -step)])
        return landed(moved, i, j, pixels)[:, :2]

    for number in range(NUMBERS):
        step = torch.zeros(NUMBERS).double()
        step[number] = 1e-5
        numeric = (after(step) - after(-step)) / 2e-5
        torch.testing.assert_close(slope[..., number], numeric, rtol=1e-4, atol=1e-4)


def test_what_is_not_finite_is_told():
    wrong = Block(0, 1, torch.full((NUMBERS, NUMBERS), torch.nan), torch.zeros(NUMBERS))
    with pytest.raises(DataError, match="not finite"):
        adjusted(Bundle.still(2, SIZE), [wrong])
