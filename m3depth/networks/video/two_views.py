"""A second opinion on a solved motion: the flow's own, which no wrong depth misleads."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from m3depth.geometry.two_views import off_the_lines, triangulated
from m3depth.matching.epipolar import epipolar_motion
from m3depth.matching.optical_flow import Flow
from m3depth.types import StereoRig
from m3depth.validation import require_number

LEAST_TOLD = 0.05  # share of the pixels whose depth a translation must tell
IN_FRONT = 0.8  # share of those that must lie before the camera


class TwoViews(nn.Module):
    """Takes the flow's own motion where a solved one does not even lead along the right lines.

    Depth and motion that are learned together can be wrong together: a flat depth explains much of
    a slide by a turn, and learns to be what suits the turn. The epipolar lines that the flow needs
    hold for any depth, so a motion that misses them clearly further than the essential matrix's is
    wrong. That one, as long as the network's depth makes it, then teaches the depth; it has no
    gradient. Where nothing moves but by a turn, or all is flat, both fit, and the solved one stays.
    """

    def __init__(self, worse: float = 1.5, noise_px: float = 0.1) -> None:
        """Build it.

        Args:
            worse: a solved motion may miss the lines so many times as far as the other one,
            noise_px: and by so much more.
        """
        super().__init__()
        require_number("motion.two_views.worse", worse, 1)
        require_number("motion.two_views.noise_px", noise_px, 0)
        self.worse, self.noise_px = worse, noise_px

    @torch.no_grad()
    def forward(
        self,
        solved: Float[Tensor, "b 4 4"],
        flow: Flow,
        depth: Float[Tensor, "b 1 h w"],
        cameras: tuple[StereoRig, StereoRig],
    ) -> tuple[Bool[Tensor, " b"], Float[Tensor, "b 4 4"]]:
        """Which pairs' solved motion is to give way, and the flow's own motion of all.

        Args:
            solved: ``later_from_earlier``; where it is not finite it gives way, too.
            flow: from the earlier frame.
            depth: of the earlier frame, in the motion's unit.
            cameras: of both.
        """
        motion, known = _as_long_as(epipolar_motion(flow, *cameras), flow, depth, cameras)
        theirs = off_the_lines(flow.px, flow.trusted, motion, *cameras)
        ours = off_the_lines(flow.px, flow.trusted, solved, *cameras)
        holds = ours <= self.worse * theirs + self.noise_px
        return known & ~holds, motion


def _as_long_as(
    motion: Tensor, flow: Flow, depth: Tensor, cameras: tuple[StereoRig, StereoRig]
) -> tuple[Float[Tensor, "b 4 4"], Tensor]:
    """Its length such that the depth it tells is the network's, at the median; and where it is."""
    inverse_depth, told = triangulated(flow.px, motion, *cameras)
    told = told & flow.trusted & (depth > 0)
    front = (told & (inverse_depth > 0)).flatten(1).float().mean(1)
    known = front > IN_FRONT * told.flatten(1).float().mean(1).clamp_min(LEAST_TOLD)
    ratio = torch.where(told & (inverse_depth > 0), depth * inverse_depth, torch.nan).flatten(1)
    scaled = motion.clone()
    scaled[:, :3, 3] *= torch.where(known, ratio.nanmedian(1).values, 1.0)[:, None]
    return scaled, known
