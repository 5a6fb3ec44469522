"""A disparity map as a surface, and what one camera hides from the other."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.data.synthetic import SyntheticPairs
from m3depth.geometry.occlusion import unoccluded_left, unoccluded_right
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.surface import Surface, draw_pixels, surfaces
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

H, W = 12, 20


def rig(batch: int = 2) -> StereoRig:
    one = StereoRig.of(19.0, 18.0, 9.2, 5.6, 8.1, 5.0)
    return StereoRig(*(value.expand(batch).double() for value in one))


def random_surfaces(batch: int = 2) -> tuple[Pair, Surface, Surface]:
    disparity = Pair(*((2.0 + torch.rand(batch, 1, H, W).double()) / W for _ in range(2)))
    visible = Pair(*(torch.ones(batch, 1, H, W, dtype=torch.bool) for _ in range(2)))
    return disparity, *surfaces(disparity, visible, rig(batch))


def test_both_surfaces_are_the_clouds_that_back_projection_gives():
    disparity, *found = random_surfaces()
    cameras = rig(), rig()._replace(cx=rig().cx_right)
    for one, camera, x_mm, surface in zip(disparity, cameras, (0.0, 5.0), found, strict=True):
        x, y, depth_mm = pixel_grid(depth_from_disparity(W * one, rig()))
        expected = back_project(x, y, depth_mm, camera)
        expected[..., 0] += x_mm
        torch.testing.assert_close(surface.lattice().points, expected)


def test_a_look_up_at_a_pixel_is_that_pixels_point_and_is_seen_there():
    for surface in random_surfaces()[1:]:
        x, y = torch.randint(W, (2, 30)).double(), torch.randint(H, (2, 30)).double()
        found, every = surface.at(x, y), surface.lattice()
        index = (y * W + x).long()[..., None].expand(-1, -1, 3)
        torch.testing.assert_close(found.points, every.points.gather(1, index))
        torch.testing.assert_close(found.normals, every.normals.gather(1, index))
        for seen, expected in zip(surface.project(found.points), (x, y), strict=True):
            torch.testing.assert_close(seen, expected)


def test_between_its_pixels_a_plane_is_a_plane_with_its_normal():
    normal = normalize(torch.tensor([0.3, -0.2, -1.0], dtype=torch.float64), dim=0)
    grid_x, grid_y = torch.meshgrid(torch.arange(W), torch.arange(H), indexing="xy")
    parts = rig(1)
    visible = torch.ones(1, 1, H, W, dtype=torch.bool)

    def parallax(cx: Tensor, camera_x: float) -> Tensor:  # of the plane normal·X = -60
        ray = torch.stack([(grid_x - cx) / parts.fx, (grid_y - parts.cy) / parts.fy], -1)
        facing = ray @ normal[:2] + normal[2]
        depth = (-60 - normal[0] * camera_x) / facing
        return (parts.fx * parts.baseline_mm / depth)[None, None]

    offset = parts.principal_offset
    disparity = Pair(
        (parallax(parts.cx, 0.0) + offset) / W, (parallax(parts.cx_right, 5.0) + offset) / W
    )
    for surface in surfaces(disparity, Pair(visible, visible), parts):
        x, y = (W - 1) * torch.rand(1, 50).double(), (H - 1) * torch.rand(1, 50).double()
        cloud = surface.at(x, y)
        assert cloud.valid.all()
        torch.testing.assert_close(cloud.points @ normal, torch.full((1, 50), -60.0).double())
        torch.testing.assert_close(cloud.normals, normal.expand(1, 50, 3))


def test_the_normals_are_those_of_the_rendered_tissue():
    pairs = SyntheticPairs("train", 2, (128, 160), cache=False, tools=False)
    view = pairs.render([0, 1])
    disparity = Pair(*(one / 160 for one in view.disparity_px))
    everywhere = Pair(*(torch.ones_like(one, dtype=torch.bool) for one in disparity))
    for surface, true in zip(surfaces(disparity, everywhere, view.rig), view.normal, strict=True):
        found = surface.lattice().normals
        cosine = (found * true.flatten(2).mT).sum(-1)
        assert cosine.median() > 0.99
        assert (cosine > 0.9).float().mean() > 0.95


def test_the_gradient_of_a_look_up_reaches_the_disparities_about_it():
    x, y = (W - 1) * torch.rand(1, 5).double(), (H - 1) * torch.rand(1, 5).double()
    visible = Pair(*(torch.ones(1, 1, H, W, dtype=torch.bool) for _ in range(2)))

    def points(left: Tensor, right: Tensor) -> tuple[Tensor, ...]:
        return tuple(s.at(x, y).points for s in surfaces(Pair(left, right), visible, rig(1)))

    inputs = [((2 + torch.rand(1, 1, H, W).double()) / W).requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(points, inputs, eps=1e-7, atol=1e-4)


def test_only_what_is_wholly_visible_is_valid():
    _, left, _ = random_surfaces(1)
    seen = torch.ones(1, 1, H, W, dtype=torch.bool)
    seen[..., 4, 7] = False
    surface = left.seen_where(seen)
    at = torch.tensor([[7.0, 6.5, 6.0, 8.0, -0.1, W - 0.9]]).double()
    rows = torch.full_like(at, 4.0)
    assert surface.at(at, rows).valid.tolist() == [[False, False, True, True, False, False]]
    index, _ = draw_pixels(surface.visible, 2000)
    assert 4 * W + 7 not in index


def test_pixels_of_unknown_depth_are_never_drawn_nor_looked_up_beside():
    disparity, *_ = random_surfaces(1)
    disparity.left[..., : W - 3] = 0  # as far as the rig tells: at infinity, or beyond
    visible = Pair(*(torch.ones(1, 1, H, W, dtype=torch.bool) for _ in range(2)))
    left, _ = surfaces(disparity, visible, rig(1))
    assert left.drawn(500).valid.all()
    at = torch.tensor([[W - 4, W - 3.5, W - 3, W - 2]]).double()
    assert left.at(at, torch.full_like(at, 4.0)).valid.tolist() == [[False, False, True, True]]


def test_beside_a_nan_nothing_is_valid_and_all_else_is():
    disparity, *_ = random_surfaces(1)
    disparity.left[..., 5, 9] = torch.nan
    visible = Pair(*(torch.ones(1, 1, H, W, dtype=torch.bool) for _ in range(2)))
    left, _ = surfaces(disparity, visible, rig(1))
    cloud = left.lattice()
    assert not cloud.valid.view(H, W)[5, 9]
    assert cloud.valid.sum() >= H * W - 5
    assert cloud.points.isfinite().all()
    assert cloud.normals.isfinite().all()
    kept = unoccluded_left(W * left.disparity)
    assert kept.sum() >= 0.9 * kept.numel()


def test_what_the_other_camera_does_not_see_is_found_in_one_view():
    pairs = SyntheticPairs("train", 6, (256, 320), cache=False)
    view = pairs.render(range(6))
    columns = torch.arange(320)
    lands = (columns - view.disparity_px.left, columns + view.disparity_px.right)
    for at, disparity, occluded, keeps in zip(
        lands, view.disparity_px, view.occluded, (unoccluded_left, unoccluded_right), strict=True
    ):
        inside = (at >= 0) & (at <= 319)  # what lies outside is the blind region's business
        kept = keeps(disparity)
        assert occluded[inside].any()
        assert kept[inside & occluded].float().mean() < 0.25
        assert kept[inside & ~occluded].float().mean() > 0.999
