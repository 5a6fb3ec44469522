"""What a network that also looks closely says about large images."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from m3depth.errors import ConfigError
from m3depth.networks.finest import Finest
from m3depth.networks.monodepth import Monodepth
from m3depth.networks.tiled import Tiled, in_tiles
from m3depth.priors.predictor import DepthPredictor
from m3depth.sources.network import NetworkSource
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig

SIZE = (32, 48)
Seen = Callable[[int, Tensor], Tensor]  # the pass (0 is the whole image) and what is there


class Copies(nn.Module):
    """Disparity is a tenth of the brightness; ``change`` is what each pass makes of it."""

    def __init__(self, change: Seen = lambda number, there: there) -> None:
        super().__init__()
        self.change, self.passes = change, []

    def forward(self, images: Tensor) -> DepthMap:
        assert images.shape[-2:] == SIZE
        there = self.change(len(self.passes), images.mean(1, keepdim=True) / 10)
        self.passes.append(len(images))
        return DepthMap(there, Kind.FRACTION, error=there / 5)


def scene(size: tuple[int, int], count: int = 1) -> tuple[Tensor, Tensor]:
    """Something smooth, and something too fine for the whole image."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, side) for side in size), indexing="ij")
    slants = torch.linspace(1, 0.5, count)[:, None, None, None]
    smooth = 0.5 + slants * (0.3 * torch.sin(3 * x + y) - 0.1 * torch.cos(4 * y))
    fine = 0.02 * torch.sin(2 * math.pi * torch.arange(size[1]) / 3.5).expand(size)
    return smooth.expand(count, 3, *size), fine.expand(count, 3, *size)


def whole(image: Tensor, size: tuple[int, int]) -> Tensor:
    """What is left of a tenth of the brightness at the network's size, at the image's."""
    for side in (SIZE, size):
        image = functional.interpolate(
            image, side, mode="bilinear", antialias=True, align_corners=False
        )
    return image.mean(1, keepdim=True) / 10


@pytest.mark.parametrize("tiles", [2, 3, 4])
def test_the_canvas_holds_tiles_that_overlap_by_a_quarter(tiles: int):
    assert Tiled(Copies(), SIZE, tiles).canvas == (32 + (tiles - 1) * 24, 48 + (tiles - 1) * 36)


@pytest.mark.parametrize("tiles", [2, 3])
def test_a_smooth_scene_stays_what_it_is(tiles: int):
    tiled = Tiled(Copies(), SIZE, tiles)
    smooth, _ = scene(tiled.canvas)
    found = tiled(smooth).values
    assert found.shape == (1, 1, *tiled.canvas)
    torch.testing.assert_close(found, smooth[:, :1] / 10, rtol=0, atol=1e-3)  # of 0.06


@pytest.mark.parametrize("tiles", [2, 3])
def test_what_is_too_fine_for_the_whole_comes_from_the_tiles(tiles: int):
    tiled = Tiled(Copies(), SIZE, tiles)
    smooth, fine = scene(tiled.canvas)
    found, seen = tiled(smooth + fine).values - smooth[:, :1] / 10, fine[:, :1] / 10
    lost = whole(smooth + fine, tiled.canvas) - smooth[:, :1] / 10 - seen
    assert lost.abs().mean() > 0.8 * seen.abs().mean()
    # As much as tile and whole correlate: the whole lacks just this
    assert (found - seen).abs().mean() < 0.15 * seen.abs().mean()


def test_what_each_pass_makes_of_scale_and_shift_is_undone():
    def distorted(number: int, there: Tensor) -> Tensor:
        return there if number == 0 else (0.3 + 0.7 * number) * there + 0.01 * number

    canvas = Tiled(Copies(), SIZE, 3).canvas
    image = sum(scene(canvas))
    expected = Tiled(Copies(), SIZE, 3)(image).values
    found = Tiled(Copies(distorted), SIZE, 3)(image).values
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "change",
    [lambda there: 0.1 - there, lambda there: 0 * there + 0.03, torch.zeros_like],
    ids=["contradicting", "flat", "zero"],
)
def test_where_tiles_tell_nothing_the_whole_stands(change: Callable[[Tensor], Tensor]):
    tiled = Tiled(Copies(lambda number, there: change(there) if number else there), SIZE, 2)
    image = sum(scene(tiled.canvas))
    torch.testing.assert_close(tiled(image).values, whole(image, tiled.canvas), rtol=0, atol=1e-6)


def test_a_whole_without_relief_stays_so():
    tiled = Tiled(Copies(lambda number, there: there if number else there * 0 + 0.05), SIZE, 2)
    found = tiled(sum(scene(tiled.canvas))).values
    torch.testing.assert_close(found, torch.full_like(found, 0.05), rtol=0, atol=1e-5)


def test_between_tiles_that_disagree_there_is_no_seam():
    """Tiles bent each its own way, one that contradicts; steepest is the scene, not a border."""
    slopes = torch.linspace(-1, 1, SIZE[1]) * torch.linspace(-1, 1, SIZE[0])[:, None]

    def bent(number: int, there: Tensor) -> Tensor:
        wrong = -1 if number == 5 else 1
        return there if number == 0 else wrong * there + 0.01 * math.sin(number) * slopes

    tiled = Tiled(Copies(bent), SIZE, 3)
    smooth, _ = scene(tiled.canvas)
    steps = tiled(smooth).values.diff(dim=-1)
    usual = whole(smooth, tiled.canvas).diff(dim=-1)
    starts = [side for number in (1, 2) for side in (36 * number, 36 * (number - 1) + 48)]
    borders = torch.zeros(steps.shape[-1], dtype=torch.bool)
    borders[[start - 1 for start in starts]] = True
    assert (steps - usual)[..., borders].abs().max() < 3e-4  # the steepest step: 1e-3
    assert steps[..., borders].abs().max() <= steps[..., ~borders].abs().max()


def test_the_error_is_the_wholes():
    tiled = Tiled(Copies(), SIZE, 2)
    image = sum(scene(tiled.canvas))
    found, expected = tiled(image), whole(image, tiled.canvas)
    torch.testing.assert_close(found.error, expected / 5)
    assert not torch.allclose(found.values, expected, atol=1e-4)


def test_a_network_that_tells_no_error_still_does_not():
    class Silent(Copies):
        def forward(self, images: Tensor) -> DepthMap:
            return replace(super().forward(images), error=None)

    tiled = Tiled(Silent(), SIZE, 2)
    assert tiled(sum(scene(tiled.canvas))).error is None


def test_disparity_is_never_negative():
    tiled = Tiled(Copies(lambda number, there: (there - 0.045).clamp_min(0)), SIZE, 2)
    smooth, fine = scene(tiled.canvas)
    assert tiled(smooth + 10 * fine).values.min() == 0


def test_memory_is_that_of_as_many_whole_images():
    network = Copies()
    tiled = Tiled(network, SIZE, 3)
    tiled(scene(tiled.canvas, 4)[0])
    assert network.passes == [4] * (1 + 9)


def predictor(batch_size: int) -> DepthPredictor:
    torch.manual_seed(0)
    finest = Finest(Monodepth("resnet10t", widths=(16, 16, 8, 8, 8)))
    network, size = in_tiles(finest, SIZE, 2)
    rig = StereoRig.of(90.0, 90.0, 47.0, 31.0, 47.0, 4.5)
    return DepthPredictor(NetworkSource(network, size, rig, (64, 96), batch_size=batch_size))


def test_a_frame_does_not_depend_on_those_beside_it():
    torch.manual_seed(1)
    views: list[StereoBatch] = [{"key": f"v/{i}", "left": torch.rand(3, 64, 96)} for i in range(5)]
    predict = predictor(4)
    together = predict.together(views)
    assert together[0].depth_mm.std() > 0
    for view, prior in zip(views, together, strict=True):
        assert torch.equal(predict(view["key"], view["left"]).depth_mm, prior.depth_mm)
        alone = predictor(1)(view["key"], view["left"]).depth_mm
        torch.testing.assert_close(prior.depth_mm, alone, rtol=1e-5, atol=1e-5)


def test_one_tile_is_the_network_itself():
    network = Copies()
    assert in_tiles(network, SIZE, 1) == (network, SIZE)


@pytest.mark.parametrize("tiles", [0, -2, 1.5, "x", True, None], ids=str)
def test_a_number_of_tiles_that_there_is_not(tiles: object):
    shown = "null" if tiles is None else tiles
    with pytest.raises(ConfigError, match=rf"^tiles={shown}: expected a whole number from 1"):
        in_tiles(Copies(), SIZE, tiles)
