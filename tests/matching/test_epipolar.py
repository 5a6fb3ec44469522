"""The flow's own motion: found of exact flows whatever the depth, and not made up."""

import pytest
import torch
from torch import Tensor

from m3depth.geometry.motion import landing, pose
from m3depth.matching.epipolar import epipolar_motion
from m3depth.matching.optical_flow import Flow
from m3depth.types import StereoRig

SIZE = (60, 80)


def camera(focal: float) -> StereoRig:
    rig = StereoRig.monocular(focal, 0.95 * focal, 38.0, 30.0)
    return StereoRig(*(one[None].double() for one in rig))


def seen(motion: Tensor, first: StereoRig, second: StereoRig) -> Flow:
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    depth = (60 + 25 * torch.sin(x / 9) + 10 * torch.cos(y / 7))[None, None]
    there = landing(depth, motion, first, second)
    return Flow(there.flow_px(), there.visible)


@pytest.mark.parametrize("numbers", [(0, 0, 0, 4, 1, -2), (0.1, -0.1, 0.2, -3, 2, 6)])
def test_it_is_the_true_motion_at_length_one(numbers: tuple[float, ...]):
    turn, shift = torch.tensor([numbers]).double().split(3, 1)
    true = pose(turn, shift)
    found = epipolar_motion(seen(true, camera(70), camera(85)), camera(70), camera(85))
    true[:, :3, 3] /= shift.norm()
    torch.testing.assert_close(found, true, atol=1e-3, rtol=0)


def test_each_pair_of_a_batch_is_its_own_and_wrong_flow_is_outvoted():
    turns = torch.tensor([[0.0, 0.1, 0.0], [0.0, 0.0, 0.0]]).double()
    shifts = torch.tensor([[9.0, 0.0, 0.0], [6.0, 6.0, 0.0]]).double()
    motions = [pose(turns[i : i + 1], shifts[i : i + 1]) for i in (0, 1)]
    flows = [seen(one, camera(70), camera(70)) for one in motions]
    px, trusted = (torch.cat(part) for part in zip(*flows, strict=True))
    px[..., :15] += 6 * torch.randn(*px[..., :15].shape, generator=torch.Generator().manual_seed(0))
    both = StereoRig(*(one.repeat(2) for one in camera(70)))
    found = epipolar_motion(Flow(px, trusted), both, both)
    for one, true in zip(found, motions, strict=True):
        direction = true[0, :3, 3] / true[0, :3, 3].norm()
        torch.testing.assert_close(one[:3, :3], true[0, :3, :3], atol=5e-3, rtol=0)
        assert one[:3, 3] @ direction > 0.99


def test_without_flow_that_is_trusted_there_is_no_motion():
    nothing = Flow(torch.zeros(1, 2, *SIZE), torch.zeros(1, 1, *SIZE, dtype=torch.bool))
    found = epipolar_motion(nothing, camera(70), camera(70))
    torch.testing.assert_close(found, torch.eye(4)[None])


def test_frames_that_do_not_move_are_no_error():
    still = Flow(torch.zeros(1, 2, *SIZE), torch.ones(1, 1, *SIZE, dtype=torch.bool))
    found = epipolar_motion(still, camera(70), camera(70))
    assert found.isfinite().all()
