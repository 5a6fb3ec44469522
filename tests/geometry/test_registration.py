"""Rigid alignment and ICP: recovered motions, gradients, and clouds that are hardly clouds."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from rigs import random_rotation
from torch import Tensor

from m3depth.geometry.registration import FEWEST, Motion, Nearest, rigid_alignment
from m3depth.geometry.surface import Cloud
from m3depth.losses.points.correspondences import nearest_of
from m3depth.losses.points.residuals import point_to_point, root_mean_square
from m3depth.losses.points.transforms import Icp


class Registration(NamedTuple):
    residual_mm: Tensor
    motion: Motion
    registered: Tensor


def icp(
    source: Tensor, target: Tensor, source_valid: Tensor, target_valid: Tensor, **options: int
) -> Registration:
    """The paper's parts on bare points."""
    cloud = Cloud(source, torch.zeros_like(source), source_valid)
    match = nearest_of(Cloud(target, torch.zeros_like(target), target_valid))
    moved, matched, _ = Icp(**options)(cloud, match, torch.zeros_like(source[:, 0, 0]))
    motion = rigid_alignment(source, moved.points, torch.ones_like(source[..., 0]))
    valid = moved.valid & matched.valid
    registered = valid.sum(1) >= FEWEST
    distance = point_to_point(moved, matched)
    residual_mm = root_mean_square(distance, valid & registered[:, None])
    return Registration(residual_mm, motion, registered)


def ones(cloud: Tensor) -> Tensor:
    return torch.ones_like(cloud[..., 0])


def everything(cloud: Tensor) -> Tensor:
    return torch.ones(cloud.shape[:2], dtype=torch.bool)


def residual(source: Tensor, target: Tensor, **options: int) -> Tensor:
    return icp(source, target, everything(source), everything(target), **options).residual_mm


def spread_out(batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Points about 10 mm apart on a curved sheet, at 80 mm: small motions keep their neighbours."""
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    grid = torch.stack([10 * x - 30, 10 * y - 25, 80 + (x - 3) ** 2 + 3 * y.sin()], -1)
    return grid.view(1, -1, 3).to(dtype) + 2 * torch.rand(batch, 42, 3, dtype=dtype)


def small_motion(batch: int) -> Motion:
    """About the cloud's middle, by up to 3 degrees and 1 mm."""
    rotation = random_rotation(batch, max_degrees=3)
    centre = torch.tensor([0.0, 0.0, 85.0], dtype=torch.float64)
    shift = torch.rand(batch, 3, dtype=torch.float64)
    return Motion(rotation, centre - rotation @ centre + shift)


class TestRigidAlignment:
    @pytest.mark.parametrize("seed", range(8))
    def test_recovers_a_random_motion(self, seed: int):
        torch.manual_seed(seed)
        source = 50 * torch.randn(4, 12, 3, dtype=torch.float64)
        true = Motion(random_rotation(4), 100 * torch.randn(4, 3, dtype=torch.float64))
        found = rigid_alignment(source, true.apply(source), 0.1 + torch.rand(4, 12).double())
        torch.testing.assert_close(found.rotation, true.rotation, rtol=0, atol=1e-10)
        torch.testing.assert_close(found.translation, true.translation, rtol=0, atol=1e-8)

    @pytest.mark.parametrize("seed", range(4))
    def test_weight_0_ignores_outliers(self, seed: int):
        torch.manual_seed(seed)
        source = 50 * torch.randn(2, 12, 3, dtype=torch.float64)
        true = Motion(random_rotation(2), torch.randn(2, 3, dtype=torch.float64))
        target, weight = true.apply(source), torch.ones(2, 12, dtype=torch.float64)
        target[:, :4] += 1000 * torch.randn(2, 4, 3)
        weight[:, :4] = 0
        found = rigid_alignment(source, target, weight)
        torch.testing.assert_close(found.rotation, true.rotation, rtol=0, atol=1e-10)

    def test_a_whole_weight_counts_like_repeated_points(self):
        source, target = torch.randn(2, 1, 6, 3, dtype=torch.float64)
        weight = torch.tensor([[1.0, 2.0, 1.0, 3.0, 1.0, 1.0]], dtype=torch.float64)
        repeated = torch.tensor([0, 1, 1, 2, 3, 3, 3, 4, 5])
        once = rigid_alignment(source, target, weight)
        often = rigid_alignment(source[:, repeated], target[:, repeated], torch.ones(1, 9).double())
        torch.testing.assert_close(once.rotation, often.rotation)
        torch.testing.assert_close(once.translation, often.translation)

    def test_no_motion_nearby_is_better(self):
        source, target = 10 * torch.randn(2, 1, 15, 3, dtype=torch.float64)
        found = rigid_alignment(source, target, ones(source))
        best = (found.apply(source) - target).square().sum()
        for _ in range(50):
            turn = random_rotation(1, max_degrees=2) @ found.rotation
            other = Motion(turn, found.translation + 0.1 * torch.randn(1, 3).double())
            assert (other.apply(source) - target).square().sum() > best

    @pytest.mark.parametrize("flat", [False, True])
    @pytest.mark.parametrize("seed", range(4))
    def test_a_mirrored_or_flat_cloud_still_gives_a_proper_rotation(self, seed: int, flat: bool):
        torch.manual_seed(seed)
        source = torch.randn(3, 10, 3, dtype=torch.float64)
        if flat:
            source[..., 2] = 1.0
        turned = source @ random_rotation(3).mT
        for target in (turned, turned * torch.tensor([-1.0, 1.0, 1.0])):
            rotation = rigid_alignment(source, target, ones(source)).rotation
            eye = torch.eye(3, dtype=torch.float64).expand(3, 3, 3)
            torch.testing.assert_close(rotation @ rotation.mT, eye)
            torch.testing.assert_close(torch.det(rotation), torch.ones(3, dtype=torch.float64))

    def test_a_flat_cloud_is_aligned_exactly(self):
        source = torch.randn(2, 10, 3, dtype=torch.float64)
        source[..., 2] = 0.0
        true = Motion(random_rotation(2), torch.randn(2, 3, dtype=torch.float64))
        found = rigid_alignment(source, true.apply(source), ones(source))
        torch.testing.assert_close(found.apply(source), true.apply(source))

    def test_of_equally_good_rotations_the_smallest(self):
        """Points on a line may spin about it: they do not."""
        along = torch.linspace(-30, 30, 9, dtype=torch.float64)[None, :, None]
        source = along * torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
        angle = torch.tensor(0.3, dtype=torch.float64)
        towards = torch.stack([angle.cos(), angle.sin(), 0 * angle])
        found = rigid_alignment(source, along * towards, ones(source))
        torch.testing.assert_close(found.apply(source), along * towards)
        assert found.rotation[0, 2, 2].item() == pytest.approx(1.0, abs=1e-6)

    def test_no_weight_is_the_identity(self):
        source, target = torch.randn(2, 2, 5, 3, dtype=torch.float64)
        found = rigid_alignment(source, target, torch.zeros(2, 5, dtype=torch.float64))
        torch.testing.assert_close(found.apply(source), source)


class TestNearest:
    def test_agrees_with_all_distances(self):
        points, among = torch.randn(2, 30, 3).double(), torch.randn(2, 40, 3).double()
        allowed = torch.rand(2, 40) < 0.5
        distance = torch.cdist(points, among).masked_fill(~allowed[:, None], torch.inf)
        assert torch.equal(Nearest(among, allowed)(points), distance.argmin(-1))


class TestIcp:
    def test_identical_clouds_agree(self):
        cloud = spread_out(batch=2).requires_grad_()
        found = icp(cloud, cloud.detach(), everything(cloud), everything(cloud))
        assert found.residual_mm.max() < 1e-9
        found.residual_mm.sum().backward()
        assert cloud.grad is not None
        assert torch.isfinite(cloud.grad).all()

    @pytest.mark.parametrize("seed", range(4))
    def test_a_moved_copy_agrees_after_the_true_motion(self, seed: int):
        torch.manual_seed(seed)
        source, true = spread_out(batch=3), small_motion(3)
        found = icp(source, true.apply(source), everything(source), everything(source))
        assert found.residual_mm.max() < 1e-9
        torch.testing.assert_close(found.motion.rotation, true.rotation)
        torch.testing.assert_close(found.motion.translation, true.translation)

    @pytest.mark.parametrize("seed", range(3))
    def test_agrees_with_a_plain_implementation(self, seed: int):
        torch.manual_seed(seed)
        source = spread_out()
        target = small_motion(1).apply(source) + 0.7 * torch.randn(1, 42, 3).double()
        expected = plain_icp(source[0].numpy(), target[0].numpy(), iterations=30)
        assert float(residual(source, target)) == pytest.approx(expected, rel=1e-9)
        assert expected > 0.1

    def test_the_iterations_are_bounded(self):
        source, target = spread_out(), spread_out() + 12.0
        few = [plain_icp(source[0].numpy(), target[0].numpy(), iterations=n) for n in (1, 2)]
        assert float(residual(source, target, iterations=1)) == pytest.approx(few[0], rel=1e-9)
        assert float(residual(source, target, iterations=2)) == pytest.approx(few[1], rel=1e-9)
        assert few[1] < few[0]

    @pytest.mark.parametrize("seed", range(3))
    def test_the_gradient_is_that_of_the_whole_procedure(self, seed: int):
        """Finite differences run ICP again, SVD and matching included."""
        torch.manual_seed(seed)
        source = spread_out()[:, ::4].detach()
        target = small_motion(1).apply(source) + 0.5 * torch.randn_like(source)
        source.requires_grad_()
        target.requires_grad_()
        assert residual(source, target).item() > 0.1
        assert torch.autograd.gradcheck(residual, (source, target), eps=1e-6, atol=1e-6)

    def test_the_gradient_with_points_left_out(self):
        source = spread_out()[:, ::4].detach()
        target = source + 0.5 * torch.randn_like(source)
        keep, allowed = torch.rand(1, 11) < 0.7, torch.rand(1, 11) < 0.8
        source.requires_grad_()
        target.requires_grad_()

        def value(one: Tensor, other: Tensor) -> Tensor:
            return icp(one, other, keep, allowed).residual_mm

        assert torch.autograd.gradcheck(value, (source, target), eps=1e-6, atol=1e-6)
        value(source, target).sum().backward()
        assert source.grad is not None
        assert target.grad is not None
        assert source.grad[~keep].abs().max() == 0
        assert target.grad[~allowed].abs().max() == 0

    def test_what_is_not_valid_has_no_influence(self):
        source, target = spread_out(), spread_out()
        keep, allowed = torch.rand(1, 42) < 0.7, torch.rand(1, 42) < 0.7
        expected = icp(
            source[:, keep[0]],
            target[:, allowed[0]],
            *(torch.ones(1, int(valid.sum()), dtype=torch.bool) for valid in (keep, allowed)),
        )
        source[~keep] = torch.tensor([0.0, 0.0, 0.0], dtype=torch.float64)
        target[~allowed] = torch.tensor([500.0, -300.0, 0.0], dtype=torch.float64)
        found = icp(source, target, keep, allowed)
        torch.testing.assert_close(found.residual_mm, expected.residual_mm)

    def test_samples_of_a_batch_do_not_know_each_other(self):
        torch.manual_seed(3)
        source, target = spread_out(batch=4), spread_out(batch=4) + 1.0
        valid = torch.ones(4, 42, dtype=torch.bool)
        valid[0, 30:] = False
        valid[1, 3:] = False
        valid[2, 2:] = False  # too few: left out
        together = icp(source, target, valid, everything(target))
        assert together.registered.tolist() == [True, True, False, True]
        for i in range(4):
            alone = icp(source[i, None], target[i, None], valid[i, None], everything(target[:1]))
            torch.testing.assert_close(together.residual_mm[i], alone.residual_mm[0])
            assert together.registered[i] == alone.registered[0]

    @pytest.mark.parametrize("seed", range(3))
    def test_float32_keeps_four_digits(self, seed: int):
        torch.manual_seed(seed)
        source = spread_out(batch=4)
        target = small_motion(4).apply(source) + 0.5 * torch.randn_like(source)
        torch.testing.assert_close(
            residual(source.float(), target.float()).double(),
            residual(source, target),
            rtol=1e-4,
            atol=0,
        )


def one_spot(cloud: Tensor) -> Tensor:
    return cloud[:, :1].expand_as(cloud).clone()


def one_line(cloud: Tensor) -> Tensor:
    return torch.cat([cloud[..., :1], one_spot(cloud)[..., 1:]], -1)


def one_plane(cloud: Tensor) -> Tensor:
    return torch.cat([cloud[..., :2], one_spot(cloud)[..., 2:]], -1)


def twice(cloud: Tensor) -> Tensor:
    return cloud[:, torch.arange(cloud.shape[1]) // 2]


def single(cloud: Tensor) -> Tensor:
    return cloud[:, :1].clone()


SHAPES = [one_spot, one_line, one_plane, twice, single]


class TestDegenerateClouds:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("apart_mm", [0.0, 0.5])
    @pytest.mark.parametrize("target_shape", [*SHAPES, torch.clone])
    @pytest.mark.parametrize("source_shape", [*SHAPES, torch.clone])
    def test_value_and_gradient_are_finite(self, source_shape, target_shape, apart_mm, dtype):
        cloud = spread_out(batch=2, dtype=dtype)
        source = source_shape(cloud).requires_grad_()
        target = (target_shape(cloud) + apart_mm).requires_grad_()
        found = residual(source, target)
        assert torch.isfinite(found).all()
        assert (found >= 0).all()
        found.sum().backward()
        for one in (source, target):
            assert one.grad is not None
            assert torch.isfinite(one.grad).all()
            assert (
                one.grad.abs().max() <= 1 + 1e-6
            )  # no point can move the mean by more than itself

    @pytest.mark.parametrize("count", [0, 1, 2])
    @pytest.mark.parametrize("side", ["source", "target"])
    def test_fewer_than_three_points_are_left_out(self, count: int, side: str):
        source = spread_out(batch=2).requires_grad_()
        target = (source.detach() + torch.randn(2, 42, 3)).requires_grad_()
        few = torch.zeros(2, 42, dtype=torch.bool)
        few[0, :count] = True
        few[1] = True
        full = everything(source)
        valid = (few, full) if side == "source" else (full, few)
        found = icp(source, target, *valid)
        assert found.registered.tolist() == [False, True]
        assert found.residual_mm[0] == 0
        assert found.residual_mm[1] > 0
        found.residual_mm.sum().backward()
        for one in (source, target):
            assert one.grad is not None
            assert torch.equal(one.grad[0], torch.zeros(42, 3, dtype=torch.float64))
            assert one.grad[1].abs().max() > 0
            assert torch.isfinite(one.grad).all()

    def test_parallel_planes_coincide(self):
        source = one_plane(spread_out())
        assert float(residual(source, source + torch.tensor([0.0, 0.0, 3.0]))) < 1e-9


def plain_icp(source: np.ndarray, target: np.ndarray, iterations: int) -> float:
    """Besl and McKay's loop in NumPy, all distances at once; the root mean square at its end."""
    moved, match = source, None
    for _ in range(iterations):
        previous, match = match, np.linalg.norm(moved[:, None] - target[None], axis=2).argmin(1)
        goal = target[match]
        a, b = source - source.mean(0), goal - goal.mean(0)
        u, _, vt = np.linalg.svd(a.T @ b)
        flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
        rotation = vt.T @ flip @ u.T
        moved = a @ rotation.T + goal.mean(0)
        if previous is not None and np.array_equal(match, previous):
            break
    return float(np.sqrt(((moved - goal) ** 2).sum(1).mean()))
