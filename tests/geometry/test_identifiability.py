"""What the curvature of the reprojection error says of K."""

import pytest
import torch
from torch import Tensor

from m3depth.geometry.identifiability import Uncertainty, View, information, uncertainty
from m3depth.geometry.motion import landing, pose
from m3depth.types import StereoRig

SIZE = (48, 64)
ERROR_PX = 0.2


def camera(focal: float = 60.0) -> StereoRig:
    return StereoRig(*(one[None] for one in StereoRig.monocular(focal, focal, 31.5, 23.5)))


def hills() -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n).float() for n in SIZE), indexing="ij")
    return (60 + 8 * torch.sin(x / 7) + 6 * torch.cos(y / 9))[None, None]


def known(*motions: tuple[float, ...]) -> Uncertainty:
    """The standard deviations of ten such clips."""
    views = []
    for twist in motions:
        numbers = torch.tensor([twist]).float()
        motion = pose(numbers[:, :3], numbers[:, 3:])
        seen = landing(hills(), motion, camera(), camera()).visible
        views.append(View(motion, camera(), camera(), seen))
    found = 10 * information(hills(), views)[0]
    return uncertainty(found, ERROR_PX, SIZE[1])


def test_turns_about_three_axes_tell_k():
    turns = [(0.15, 0, 0, 0.5, 0, 0), (0, 0.15, 0, 0, 0.5, 0), (0, 0, 0.2, 0, 0.5, 0.5)]
    assert known(*turns).identifiable


@pytest.mark.parametrize("slide", [(4.0, 0, 0), (0, -5, 0), (2, 3, 6)])
def test_pure_translation_does_not(slide: tuple[float, ...]):
    found = known((0, 0, 0, *slide), (0, 0, 0, *(-0.7 * one for one in slide)))
    assert not found.identifiable
    assert found.focal > 0.5


def test_no_motion_and_no_trusted_flow_tell_nothing():
    still = torch.eye(4)[None]
    nothing = torch.zeros(1, 1, *SIZE, dtype=torch.bool)
    for view in (
        View(still, camera(), camera(), ~nothing),
        View(still, camera(), camera(), nothing),
    ):
        assert not uncertainty(information(hills(), [view])[0], ERROR_PX, 64).identifiable


def test_a_better_flow_tells_more():
    motion = pose(torch.tensor([[0.05, 0.02, 0.03]]), torch.tensor([[0.5, 0.0, 0.0]]))
    seen = landing(hills(), motion, camera(), camera()).visible
    found = information(hills(), [View(motion, camera(), camera(), seen)])[0]
    fine, coarse = (uncertainty(found, error, 64).focal for error in (0.02, 0.2))
    assert fine < coarse
