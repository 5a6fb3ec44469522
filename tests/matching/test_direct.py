"""Brightness moves a bundle to where it belongs, and light moves it nowhere."""

from functools import cache

import pytest
import torch
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.motion import pose
from m3depth.geometry.zoom_bundle import Block, Bundle, Pixels, landed
from m3depth.matching.clip_lens import ClipViews, lens_of_clip, matched_views
from m3depth.matching.direct import Look, compared, shading

FRAMES, SIZE = 6, (72, 96)


@cache
def true_bundle() -> Bundle:
    time = 0.7 * torch.arange(FRAMES).double()[:, None]
    turn = 0.08 * torch.sin(time * torch.tensor([0.5, 0.7, 0.9]))
    slide = 0.9 * torch.sin(time * torch.tensor([0.8, 0.6, 0.4]))
    focal = torch.linspace(100, 112, FRAMES).double()
    middle = torch.tensor([49.0, 34.0]).double()
    return Bundle(focal, middle, torch.tensor(0.0).double(), pose(turn, slide))


def pixel_grid() -> tuple[Tensor, Tensor]:
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    return x, y


@cache
def views() -> ClipViews:
    """A bent textured surface, 12 baselines away, that a lamp at the lens lights."""
    truth, (x, y) = true_bundle(), pixel_grid()
    images, disparities = [], []
    for focal, camera in zip(truth.focal, truth.camera_from_world, strict=True):
        world = torch.linalg.inv(camera)
        across, down = (x - truth.centre[0]) / focal, (y - truth.centre[1]) / focal
        ray = torch.stack([across, down, torch.ones_like(x)], -1)
        way, depth = ray @ world[:3, :3].T, torch.full_like(x, 12.0)
        for _ in range(30):  # to the surface, which is flat enough for this
            point = depth[..., None] * way + world[:3, 3]
            depth = depth + (height(point) - point[..., 2]) / way[..., 2]
        images.append(colour(point) * lit(point, world[:3, 3]))
        disparities.append(focal / depth)
    left = torch.stack(images)[:, None].expand(-1, 3, -1, -1).float()
    disparity = torch.stack(disparities).float()
    return ClipViews(left, disparity, torch.ones_like(disparity, dtype=torch.bool))


def height(point: Tensor) -> Tensor:
    u, v = point[..., 0], point[..., 1]
    return 12 + torch.sin(u / 2) + 0.8 * torch.cos(v / 1.7) + 0.15 * u


def colour(point: Tensor) -> Tensor:
    """Waves of many directions and lengths, so that no two places look the same."""
    draw = torch.Generator().manual_seed(1)
    across, down, phase = (torch.rand(3, 40, generator=draw).double() - 0.5) * 10
    waves = torch.sin(point[..., :1] * across + point[..., 1:2] * down + phase)
    return 0.5 + waves.sum(-1) / 30


def lit(point: Tensor, lamp: Tensor) -> Tensor:
    u, v = point[..., 0], point[..., 1]
    slope = torch.stack([torch.cos(u / 2) / 2 + 0.15, -0.8 / 1.7 * torch.sin(v / 1.7)], -1)
    normal = torch.cat([slope, -torch.ones_like(u)[..., None]], -1)
    normal = normal / normal.norm(dim=-1, keepdim=True)
    way = lamp - point
    return (normal * way).sum(-1) * 12 / way.norm(dim=-1) ** 3 * 12


def test_the_lens_of_a_lit_surface_is_found_from_its_images():
    found = lens_of_clip(views(), apart=(1, 2, 4), every=2, rounds=5)
    truth = true_bundle()
    assert (found.focal / truth.focal - 1).abs().max() < 0.01
    assert (found.centre - truth.centre).abs().max() < 0.7
    assert found.log_aspect.abs() < 0.003


def pair(brighter: Tensor | float = 0.0) -> Block:
    """Of frames 1 and 2, near the truth; the second one's logarithm is changed."""
    seen, truth = views(), true_bundle()
    near = truth._replace(focal=truth.focal * 1.01)
    looks = [Look(seen.left[k, 0].log(), seen.disparity_px[k], seen.good[k]) for k in (1, 2)]
    looks[0] = looks[0]._replace(brightness=looks[0].brightness - brighter)
    found = compared(near, 1, 2, (looks[0], looks[1]), every=2)
    assert found is not None
    return found


def test_an_exposure_changes_nothing():
    for one, other in zip(pair(0.3)[2:], pair()[2:], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))


def test_light_that_a_lamp_at_the_lens_explains_draws_nowhere():
    """A third of the light's own change more: less than that of a bump as strong."""
    truth, (x, y) = true_bundle(), pixel_grid()
    near = truth._replace(focal=truth.focal * 1.01)
    pixels = Pixels(x.flatten(), y.flatten(), views().disparity_px[1].double().flatten())
    where = landed(near, 1, 2, pixels).view(*SIZE, 3)
    light = 0.3 * shading(near, 1, 2, pixels, where)[0]
    bump = light.std() * torch.sin(x / 3 + y / 4).float()
    plain = pair()
    lit_up, bumped = (step(pair(one)) - step(plain) for one in (light, bump))
    assert lit_up.abs().max() < 0.1 * bumped.abs().max()


def step(block: Block) -> Tensor:
    """Of the focal lengths, centre and aspect alone: without the path all are told."""
    return torch.linalg.solve(block.matrix[:5, :5], block.slope[:5])


def test_frames_that_share_nothing_are_not_compared():
    seen = views()
    nothing = torch.zeros_like(seen.good[0])
    look = Look(seen.left[0, 0].log(), seen.disparity_px[0], nothing)
    assert compared(true_bundle(), 0, 1, (look, look), every=2) is None


def test_a_frame_that_shares_nothing_with_the_others_is_named():
    seen = views()
    good = seen.good.clone()
    good[4] = False
    with pytest.raises(DataError, match="frame 4 "):
        lens_of_clip(seen._replace(good=good), apart=(1,), every=4, rounds=1)


def test_too_few_frames_and_an_empty_flow_are_told():
    seen = views()
    with pytest.raises(DataError, match="5 frames or more"):
        lens_of_clip(ClipViews(*(one[:4] for one in seen)), apart=(4, 8))
    with pytest.raises(DataError, match="optical flow finds nothing"):
        lens_of_clip(seen._replace(good=torch.zeros_like(seen.good)), apart=(1,))


def test_a_matched_disparity_is_less_that_of_infinity():
    """Of a shift by 9 px where 2 px are infinity."""
    noise = torch.rand(1, 3, 36, 60, generator=torch.Generator().manual_seed(0))
    left = torch.nn.functional.interpolate(noise, (72, 120), mode="bilinear")
    right, infinity = left.roll(-9, -1), torch.tensor([2.0])
    found = matched_views(left, right, infinity, torch.zeros(1, 72, 120, dtype=torch.bool))
    assert found.good.float().mean() > 0.5
    assert (found.disparity_px[found.good] - 7).abs().mean() < 0.05
