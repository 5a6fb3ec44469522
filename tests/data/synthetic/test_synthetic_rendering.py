from functools import cache

import pytest
import torch
from torch import Tensor

from m3depth.data.synthetic.draw import seeded, stacked
from m3depth.data.synthetic.height_field import height
from m3depth.data.synthetic.rendering import Rendering, render
from m3depth.data.synthetic.styles import LIVER, PELVIS, Style
from m3depth.data.synthetic.tissue_scene import Endoscope, Scene, draw_scene
from m3depth.data.synthetic.views import view_pixels
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.warp import warp
from m3depth.types.disparity import disparity_from_depth

SIZE = (128, 160)
SHIFTED = 0.065  # principal point offset, as a share of the width


@cache
def scenes(count: int = 3, offset: float = 0.0) -> Scene:
    styles = (PELVIS, PELVIS, LIVER)
    return stacked([scene(f"test/{i}", styles[i % 3], offset) for i in range(count)])


def scene(seed: str, style: Style = PELVIS, offset: float = 0.0) -> Scene:
    drawn = draw_scene(seeded(seed), seeded("endoscope", 0), style)
    shifted = drawn.endoscope._replace(principal_offset=torch.tensor(offset))
    return drawn._replace(endoscope=shifted)


@cache
def rendered(offset: float = 0.0, size: tuple[int, int] = SIZE) -> Rendering:
    return render(scenes(offset=offset), size, highlights=False)


def directions(r: Rendering) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """(target, source, shift, occluded) from left to right and back."""
    return [
        (r.image.left, r.image.right, -r.disparity_px.left, r.occluded.left),
        (r.image.right, r.image.left, r.disparity_px.right, r.occluded.right),
    ]


def mean_where(error: Tensor, mask: Tensor) -> Tensor:
    return (error * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3))


@pytest.mark.parametrize("size", [(128, 160), (192, 256), (256, 320)])
def test_the_true_disparity_reproduces_the_other_view(size):
    for target, source, shift, occluded in directions(rendered(size=size)):
        warped, visible = warp(source, shift)
        error = mean_where((warped - target).abs().mean(1, keepdim=True), ~occluded)
        assert (error < 0.005).all()
        assert (visible | occluded).all()
        off, _ = warp(source, shift + 2.0)
        worse = mean_where((off - target).abs().mean(1, keepdim=True), ~occluded)
        assert (worse > 3 * error).all()


def test_a_principal_point_offset_moves_the_disparity_only():
    plain, offset = rendered(), rendered(offset=SHIFTED)
    assert offset.rig.principal_offset[0] == pytest.approx(SHIFTED * SIZE[1])
    for target, source, shift, occluded in directions(offset):
        error = mean_where((warp(source, shift)[0] - target).abs().mean(1, keepdim=True), ~occluded)
        assert (error < 0.005).all()
    expected = disparity_from_depth(offset.depth_mm.left, offset.rig)
    torch.testing.assert_close(offset.disparity_px.left, expected)
    assert plain.rig.principal_offset.abs().max() == 0


def test_a_stereo_matcher_finds_the_disparity():
    import cv2
    import numpy as np

    r = render(scenes(), (256, 320))
    for i in range(3):
        left, right = ((v[i].permute(1, 2, 0) * 255).byte().numpy() for v in r.image)
        matcher = cv2.StereoSGBM_create(0, 64, 5, 600, 2400, 1, 0, 10, 100, 2)
        found = matcher.compute(left, right).astype(np.float32) / 16
        tissue = ~(r.occluded.left | r.tool.left)[i, 0].numpy()
        matched = tissue & (found > 0)
        error = (found - r.disparity_px.left[i, 0].numpy())[matched]
        assert np.median(np.abs(error)) < 0.4
        assert abs(np.median(error)) < 0.1
        assert matched.sum() > 0.7 * tissue.sum()


def test_both_views_know_the_same_points():
    r = rendered()
    for depth, other, shift, occluded in [
        (r.depth_mm.left, r.depth_mm.right, -r.disparity_px.left, r.occluded.left),
        (r.depth_mm.right, r.depth_mm.left, r.disparity_px.right, r.occluded.right),
    ]:
        # The other view at the nearer of the two pixels beside the point: no mixing at edges.
        x = torch.arange(SIZE[1]) + shift
        around = [x.floor(), x.ceil()]
        seen = torch.stack([other.gather(-1, a.long().clamp(0, SIZE[1] - 1)) for a in around])
        in_picture = (x >= 0) & (x <= SIZE[1] - 1)
        closest = (seen - depth).abs().amin(0)
        in_front = depth - seen.amin(0)
        assert (~in_picture <= occluded).all()
        assert (closest[~occluded] < 1.0).float().mean() > 0.995
        hidden = occluded & in_picture
        assert hidden.sum() > 50
        assert (in_front[hidden] > 0.3).float().mean() > 0.95


def test_depth_lies_on_the_tissue():
    scene, r = scenes(), rendered()
    rays = view_pixels(r.rig, scene.camera_to_world, SIZE).rays
    depth = torch.cat([d.flatten(1) for d in r.depth_mm], dim=1)
    tool = torch.cat([t.flatten(1) for t in r.tool], dim=1)
    x, y, z = rays.at(depth).unbind(1)
    gap = (height(scene.surface, x, y, torch.zeros(3)) - z).abs()[~tool]
    assert (gap < 1e-3).float().mean() > 0.9999
    # and nothing lies in front of it
    for share in torch.linspace(0.3, 0.99, 40):
        x, y, z = rays.at(depth * share).unbind(1)
        in_front = height(scene.surface, x, y, torch.zeros(3)) > z
        assert in_front.float().mean() > 0.999


def test_depth_is_a_da_vincis():
    r = rendered()
    for depth in r.depth_mm:
        assert depth.min() > 28
        assert (depth < 150).float().mean() > 0.999
    assert 50 < r.depth_mm.left.median() < 100
    assert 4.0 <= r.rig.baseline_mm[0] <= 5.6
    assert 0.9 < r.rig.fx[0] / SIZE[1] < 0.96


def test_normals_agree_with_the_depth():
    r = rendered()
    for depth, normal, rig in [
        (r.depth_mm.left, r.normal.left, r.rig),
        (r.depth_mm.right, r.normal.right, r.rig._replace(cx=r.rig.cx_right)),
    ]:
        torch.testing.assert_close(normal.norm(dim=1), torch.ones_like(depth[:, 0]))
        points = back_project(*pixel_grid(depth), rig).unflatten(1, SIZE)
        assert ((points.permute(0, 3, 1, 2) * normal).sum(1) < 1e-3).float().mean() > 0.999
        across = points[:, 1:-1, 2:] - points[:, 1:-1, :-2]
        down = points[:, 2:, 1:-1] - points[:, :-2, 1:-1]
        facing = torch.nn.functional.normalize(torch.linalg.cross(down, across), dim=-1)
        cosine = (facing.permute(0, 3, 1, 2) * normal[:, :, 1:-1, 1:-1]).sum(1)
        smooth = torch.maximum(across[..., 2].abs(), down[..., 2].abs()) < 3
        assert cosine[smooth].median() > 0.999
        assert torch.quantile(cosine[smooth], 0.03) > 0.97


def test_tools_are_seen_and_hide():
    r = rendered()
    assert 0.01 < r.tool.left.float().mean() < 0.5
    bare = scenes()
    bare = bare._replace(
        tools=bare.tools._replace(radius_mm=torch.zeros_like(bare.tools.radius_mm))
    )
    without = render(bare, SIZE)
    assert not without.tool.left.any()
    assert (without.depth_mm.left >= r.depth_mm.left).all()
    changed = without.depth_mm.left != r.depth_mm.left
    assert torch.equal(changed, r.tool.left)


def test_a_batch_equals_its_scenes_one_by_one():
    batch = rendered()
    for i in range(3):
        one = render(Scene(*(moved_one(part, i) for part in scenes())), SIZE, highlights=False)
        torch.testing.assert_close(one.depth_mm.left[0], batch.depth_mm.left[i], atol=1e-3, rtol=0)
        torch.testing.assert_close(one.image.right[0], batch.image.right[i], atol=1e-3, rtol=0)


def in_double(part):
    return part.double() if isinstance(part, torch.Tensor) else type(part)(*map(in_double, part))


def moved_one(part, i):
    if isinstance(part, Tensor):
        return part[i : i + 1]
    return type(part)(*(moved_one(p, i) for p in part))


def test_highlights_brighten_and_noise_does_not_touch_the_geometry():
    dull, wet = rendered(), render(scenes(), SIZE)
    assert (wet.image.left >= dull.image.left - 1e-6).all()
    assert (wet.image.left > dull.image.left + 0.1).float().mean() > 0.001
    grain = torch.randn(3, 2, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    noisy = render(scenes(), SIZE, grain=grain, highlights=False)
    difference = noisy.image.left - dull.image.left
    assert 0.002 < difference.std() < 0.04
    assert abs(difference.mean()) < 1e-3
    assert torch.equal(noisy.depth_mm.left, dull.depth_mm.left)


def test_float64_gives_the_same_depth():
    double = render(in_double(scenes()), SIZE, highlights=False)
    assert double.image.left.dtype == double.depth_mm.left.dtype == torch.float64
    difference = (double.depth_mm.left - rendered().depth_mm.left).abs()
    assert (difference < 1e-3).float().mean() > 0.9995


def test_every_tensor_is_made_on_the_scenes_device():
    expected = rendered().image.left
    # A tensor made on the default device would be on `meta` and could not meet the scenes'.
    torch.set_default_device("meta")
    try:
        found = render(scenes(), SIZE, highlights=False).image.left
    finally:
        torch.set_default_device("cpu")
    assert torch.equal(found, expected)


def test_the_scene_depends_on_its_seed_alone():
    one, same, other = (scene(seed) for seed in ("a", "a", "b"))
    assert torch.equal(one.surface.wave_phase, same.surface.wave_phase)
    assert torch.equal(one.camera_to_world, same.camera_to_world)
    assert not torch.equal(one.surface.wave_phase, other.surface.wave_phase)


def test_the_rig_follows_the_size():
    endoscope = Endoscope(torch.tensor(0.93), torch.tensor(5.0), torch.tensor(0.01))
    small, large = endoscope.rig(128, 160), endoscope.rig(256, 320)
    torch.testing.assert_close(
        torch.stack(small.resized((128, 160), (256, 320))), torch.stack(large)
    )
