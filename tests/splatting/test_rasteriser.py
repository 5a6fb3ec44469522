"""The rasteriser against every Gaussian at every pixel, and against itself."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from scipy.spatial.transform import Rotation
from splat_scenes import NAMES, camera, chosen, cloud, gradients, leaves
from torch import Tensor

from m3depth.benchmarks.dense_splats import dense
from m3depth.splatting.rasteriser import own_backend
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.pixel_pairs import Pairs
from m3depth.splatting.rasteriser.profiles import GSPLAT, INRIA, Profile, expected, summed
from m3depth.splatting.rasteriser.rasterize import rasterize

SIZE = (36, 50)
PROFILES = pytest.mark.parametrize("profile", [GSPLAT, INRIA], ids=["gsplat", "inria"])


def pictures(rendered: tuple[Tensor, ...]) -> Tensor:
    """Colour, depth and weight as one tensor."""
    return torch.cat(rendered[:3])


@PROFILES
def test_it_equals_the_dense_reference_with_all_gradients(profile: Profile):
    scene, view = cloud(200, SIZE)
    ours, theirs = leaves(scene), leaves(scene)
    found = pictures(rasterize(ours, view, depth=summed, profile=profile))
    expected = pictures(dense(theirs, view, profile))
    assert 0.5 < expected[-1].mean() < 0.95
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    weights = torch.randn_like(expected)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for name, gradient in gradients(theirs).items():
        assert gradient.abs().max() > 1
        torch.testing.assert_close(gradients(ours)[name], gradient, rtol=1e-9, atol=1e-9)


def test_mixed_precision_draws_the_same():
    scene, view = cloud(50, SIZE)
    scene = Gaussians(*(getattr(scene, name).float() for name in NAMES))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = rasterize(scene, view)
    assert torch.equal(pictures(mixed), pictures(rasterize(scene, view)))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
@PROFILES
def test_sixteen_bits_draw_as_thirty_two(kind: torch.dtype, profile: Profile):
    """In them the least divisor is 0, a covariance overflows, and empty pixels were NaN."""
    scene, view = cloud(12, SIZE)
    scene = replace(scene, opacities=0.5 * scene.opacities)
    short = Gaussians(*(getattr(scene, name).to(kind) for name in NAMES))
    same = Gaussians(*(getattr(short, name).float() for name in NAMES))
    found, drawn = (rasterize(one, view, profile=profile) for one in (short, same))
    assert (drawn.weight == 0).any()
    assert (found.depth_mm[drawn.weight == 0] == 0).all()
    assert found.depth_mm.dtype is kind
    assert torch.equal(pictures(found), pictures(drawn).to(kind))
    ours = leaves(short)
    pictures(rasterize(ours, view, profile=profile)).float().sum().backward()
    assert all(gradient.isfinite().all() for gradient in gradients(ours).values())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_expected_depth_of_an_empty_pixel_is_0_in_any_precision(kind: torch.dtype):
    sums, weight = (
        torch.tensor([[[0.0, 30.0]]], dtype=kind),
        torch.tensor([[[0.0, 0.5]]], dtype=kind),
    )
    found = expected(sums, weight, GSPLAT)
    assert (found.dtype, found.flatten().tolist()) == (kind, [0, 60])


@PROFILES
def test_every_gradient_by_finite_differences(profile: Profile):
    """Of colour, depth and weight, to every field (the mean's z included) and to the camera."""
    scene, view = cloud(7, (6, 8), scale_mm=6.0)
    scene = leaves(replace(scene, opacities=0.9 * scene.opacities))
    pose = view.world_to_camera.clone().requires_grad_()
    focal_and_centre = view.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]].clone().requires_grad_()

    def drawn(*inputs: Tensor) -> tuple[Tensor, ...]:
        *values, numbers, pose = inputs
        k = torch.eye(3, dtype=torch.float64)
        k = k.index_put((torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 2, 2])), numbers)
        return rasterize(Gaussians(*values), Camera(k, pose, (6, 8)), profile=profile)[:3]

    inputs = *(getattr(scene, name) for name in NAMES), focal_and_centre, pose
    depth_of_z = torch.autograd.grad(drawn(*inputs)[1].sum(), scene.means_mm)[0][:, 2]
    assert (depth_of_z.abs() > 0.1).sum() > 2
    assert torch.autograd.gradcheck(drawn, inputs)


def test_the_order_of_the_gaussians_does_not_matter():
    scene, view = cloud(120, SIZE)
    shuffled = chosen(scene, torch.randperm(len(scene)))
    assert torch.equal(pictures(rasterize(scene, view)), pictures(rasterize(shuffled, view)))


def test_moving_the_world_with_the_camera_changes_nothing():
    scene, view = cloud(120, SIZE)
    turn = Rotation.from_rotvec([0.3, -0.8, 0.5])
    motion = torch.eye(4, dtype=torch.float64)
    motion[:3, :3] = torch.from_numpy(turn.as_matrix())
    motion[:3, 3] = torch.tensor([7.0, -30.0, 12.0])
    own = Rotation.from_quat(scene.quaternions.numpy(), scalar_first=True)
    moved = replace(
        scene,
        means_mm=scene.means_mm @ motion[:3, :3].T + motion[:3, 3],
        quaternions=torch.from_numpy((turn * own).as_quat(scalar_first=True)),
    )
    there = Camera(view.intrinsics, view.world_to_camera @ motion.inverse(), view.size)
    found, expected = (pictures(rasterize(g, c)) for g, c in ((moved, there), (scene, view)))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(there.centre_mm, motion[:3, 3])


def test_the_principal_point_shifts_the_picture():
    """By whole pixels exactly; far outside the picture, too."""
    scene, _ = cloud(120, SIZE)
    free = partial(rasterize, profile=Profile(0.01, 0.999, margin=100.0))
    centred = pictures(free(scene, camera(SIZE, 20.0, 18.0)))
    shifted = pictures(free(scene, camera(SIZE, 25.0, 15.0)))
    assert torch.allclose(shifted[:, :-3, 5:], centred[:, 3:, :-5], rtol=0, atol=1e-10)
    assert shifted[-1, :-3, 5:].mean() > 0.1
    outside = pictures(free(scene, camera(SIZE, -15.0, 18.0)))
    assert torch.allclose(outside[..., :15], centred[..., 35:], rtol=0, atol=1e-10)


def test_bands_draw_the_same_and_hold_no_more_pairs_than_asked(monkeypatch: pytest.MonkeyPatch):
    scene, view = cloud(200, SIZE)
    most: list[int] = []

    def counted(*arguments) -> Pairs:
        pairs = whole(*arguments)
        most.append(len(pairs.pixel))
        return pairs

    whole = own_backend.pairs_of
    monkeypatch.setattr(own_backend, "pairs_of", counted)
    results = []
    for pairs_at_once in (10**9, 3000):
        most.clear()
        ours = leaves(scene)
        backend = partial(own_backend.draw, pairs_at_once=pairs_at_once)
        found = pictures(rasterize(ours, view, backend=backend))
        found.square().sum().backward()
        results.append((found, gradients(ours), list(most)))
    (one, its, [everything]), (banded, theirs, parts) = results
    assert everything > 10000
    assert max(parts) <= 3000
    assert sum(parts) == everything
    torch.testing.assert_close(banded, one, rtol=0, atol=1e-12)
    torch.testing.assert_close(theirs, its, rtol=1e-10, atol=1e-10)


def test_single_precision_is_close_and_thin_gaussians_stay_finite():
    scene, view = cloud(200, SIZE)
    scales = scene.scales_mm * torch.tensor([30.0, 1e-4, 1e-4], dtype=torch.float64)
    for shape in (scene.scales_mm, scales):
        exact = replace(scene, scales_mm=shape)
        single = leaves(Gaussians(*(getattr(exact, name).float() for name in NAMES)))
        found = rasterize(single, view)
        assert found.colour.dtype == torch.float32
        off = (found.weight - rasterize(exact, view).weight).abs()
        assert off.mean() < 1e-4
        pictures(found).sum().backward()
        assert all(gradient.isfinite().all() for gradient in gradients(single).values())


def test_the_gradient_on_the_screen_is_that_of_the_principal_point():
    scene, view = cloud(60, SIZE)
    scene = chosen(scene, scene.means_mm[:, 2] > 0)
    k = view.intrinsics.clone().requires_grad_()
    free = Profile(0.01, 0.999, margin=100.0)
    rendered = rasterize(leaves(scene), Camera(k, view.world_to_camera, SIZE), profile=free)
    rendered.aux.screen.retain_grad()
    (pictures(rendered) * torch.linspace(0, 1, SIZE[1])).sum().backward()
    torch.testing.assert_close(rendered.aux.screen.grad.sum(0), k.grad[:2, 2])
    unseen = ~rendered.aux.visible
    assert unseen.any()
    assert rendered.aux.screen.grad[unseen].abs().max() == 0
    assert rendered.aux.radii_px[unseen].max() == 0 < rendered.aux.radii_px[~unseen].min()
