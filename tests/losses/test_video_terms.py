"""The terms of a video's objective on a scene whose depth, motion and K are exact."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from m3depth.geometry.motion import landing, pose
from m3depth.geometry.rebuilding import Source, TargetViews, moved_by, rebuild_target
from m3depth.losses.points.residuals import Huber, point_to_plane
from m3depth.losses.points.sampling import Lattice
from m3depth.losses.video.points import PointsOverTime
from m3depth.losses.video.terms import (
    Appearance,
    FlowAgreement,
    MinimumPhotometric,
    Registration,
    Smoothness,
)
from m3depth.types import StereoRig

SIZE = (24, 32)
CAMERA = StereoRig(*(one[None] for one in StereoRig.monocular(30.0, 30.0, 15.5, 11.5)))
MOTION = pose(torch.tensor([[0.01, -0.02, 0.03]]), torch.tensor([[1.5, -1.0, 2.0]]))


def plane(z: float, slope: float) -> Tensor:
    """Inverse depth of a slanted plane, linear across the image."""
    return (1 / z + slope * torch.arange(SIZE[1]) / SIZE[1] / z).expand(1, 1, *SIZE).clone()


def texture(points: Tensor) -> Tensor:
    waves = [points[:, 0] * 0.35, points[:, 1] * 0.3, (points[:, 0] + points[:, 1]) * 0.2]
    return torch.stack([0.5 + 0.4 * torch.sin(one) for one in waves], 1)


def views(depth: Tensor | None = None, **changes: object) -> TargetViews:
    """Source and target are pictures of one plane; the depth may be another."""
    true = plane(50.0, 0.4)
    where = landing(1 / true, MOTION, CAMERA, CAMERA)
    image = where.look_up(source_image())
    flow, seen = where.flow_px(), where.visible
    made = Source(source_image(), MOTION, CAMERA, CAMERA, None, flow, seen)
    source = replace(made, **changes)
    return rebuild_target(image, None, true if depth is None else depth, (source,))


def source_image() -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n).float() for n in SIZE), indexing="ij")
    return texture(torch.stack([x, y], 0)[None])


def off() -> Tensor:
    return plane(40.0, -0.2)


@pytest.mark.parametrize(
    "term",
    [MinimumPhotometric(auto_mask=False), FlowAgreement(), Registration(smoothness=0)],
    ids=lambda term: type(term).__name__,
)
def test_a_term_is_zero_at_the_truth(term: object):
    assert term([views()]).value.item() == pytest.approx(0, abs=2e-6)


@pytest.mark.parametrize("term", [MinimumPhotometric(auto_mask=False), FlowAgreement()])
def test_a_term_grows_with_the_error_and_leads_back(term: object):
    wrong = off().requires_grad_()
    value = term([views(wrong)]).value
    assert value.item() > 1e-3
    value.sum().backward()
    nearer = (wrong - 1e-4 * wrong.grad / wrong.grad.abs().max()).detach()
    assert term([views(nearer)]).value < value


def test_each_pixel_counts_by_the_source_that_shows_it_best():
    good, bad = views(), views(flow_px=None, image=torch.rand(1, 3, *SIZE))
    both = replace(good, rebuilt=(*good.rebuilt, *bad.rebuilt))
    term = MinimumPhotometric(auto_mask=False)
    assert term([both]).value.item() == pytest.approx(0, abs=1e-6)
    assert term([bad]).value.item() > 0.1


def test_pixels_that_no_motion_explains_better_are_left_out():
    """The same picture twice, and a depth that claims parallax: nothing is left to learn from."""
    image = source_image()
    still = rebuild_target(image, None, plane(50.0, 0.4), (Source(image, MOTION, CAMERA, CAMERA),))
    assert MinimumPhotometric(auto_mask=True)([still]).value.item() == 0
    assert MinimumPhotometric(auto_mask=False)([still]).value.item() > 0.01


def test_what_misleads_in_either_frame_is_not_compared():
    blot = torch.zeros(1, 1, *SIZE)
    blot[..., 8:16, 8:20] = 1
    spoilt = torch.where(blot > 0, 1.0, source_image())
    term = MinimumPhotometric(auto_mask=False)
    assert term([views(image=spoilt, ignore=blot)]).value.item() < 0.02
    assert term([views(image=spoilt)]).value.item() > 0.02


def test_flow_that_is_not_trusted_does_not_count():
    wrong = views().rebuilt[0].source.flow_px.clone()
    wrong[..., :10] += 5
    trusted = torch.ones(1, 1, *SIZE, dtype=torch.bool)
    trusted[..., :10] = False
    term = FlowAgreement()
    assert term([views(flow_px=wrong, trusted=trusted)]).value.item() == pytest.approx(0, abs=1e-6)


def test_the_flow_fades_over_the_run():
    term = FlowAgreement(fades=0.5, lasting=0.25)
    at = [replace(views(off()), progress=progress) for progress in (0.0, 0.25, 0.5, 1.0)]
    values = [term([one]).value.item() / term([at[0]]).value.item() for one in at]
    assert values == pytest.approx([1, 0.625, 0.25, 0.25])


def test_without_a_flow_the_flow_term_has_no_value():
    assert not FlowAgreement()([views(flow_px=None, trusted=None)]).counted.any()


def test_smoothness_knows_no_scale():
    near, far = (Smoothness()([views(factor * off())]).value.item() for factor in (1, 7))
    assert near == pytest.approx(far, rel=1e-4)
    assert near > Smoothness()([views(plane(50.0, 0.0))]).value.item()


def test_one_surface_seen_twice_agrees_and_knows_no_scale():
    """The source's own depth of the plane, by its equation in the source's frame."""
    term = PointsOverTime(1.0, Lattice(2), point_to_plane, Huber(0.5))
    source = in_source_frame(plane(50.0, 0.4))
    agree = term([views(inverse_depth=source)])
    assert agree.counted.all()
    assert agree.value.item() < 1e-3
    apart = term([views(inverse_depth=1.05 * source)])
    assert 1 < apart.value.item() < 10  # per cent


def in_source_frame(inverse_depth: Tensor) -> Tensor:
    """A plane's inverse depth is linear in the pixel, in any frame: fit it to where points land."""
    where = landing(1 / inverse_depth, MOTION, CAMERA, CAMERA)
    ones = torch.ones_like(where.x)
    rows = torch.stack([where.x, where.y, ones], -1).flatten(1, 2).double()
    values = (1 / where.points[:, 2]).flatten(1)[..., None].double()
    plane_of = torch.linalg.lstsq(rows, values).solution[0, :, 0]
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    return (plane_of[0] * x + plane_of[1] * y + plane_of[2]).float()[None, None]


def test_an_appearance_that_explains_by_colour_what_flow_explains_by_motion_costs():
    seen = views()
    free = replace(seen, rebuilt=(replace(seen.rebuilt[0], expected=seen.image + 0.2),))
    term = Appearance()
    assert term([free]).value.item() > term([seen]).value.item() + 0.1


def test_moving_by_no_flow_is_the_identity():
    image = torch.rand(1, 3, *SIZE)
    torch.testing.assert_close(moved_by(image, torch.zeros(1, 2, *SIZE)), image)
