"""A motion network that computes: from the depth network's depth, an optical flow, and K."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.geometry.solved_motion import observed, solve_motion
from m3depth.matching.optical_flow import Flow
from m3depth.networks.video.optical_flow import DisFlow
from m3depth.types import Kind, PairMotion, StereoRig
from m3depth.validation import require_number


class Beside(NamedTuple):
    """What a training has at hand about one frame of a pair."""

    image: Float[Tensor, "b 3 h w"]
    depth: Float[Tensor, "b 1 h w"]
    flow: Flow  # to the other frame


@runtime_checkable
class NeedsDepth(Protocol):
    """A motion network that takes the depth that a training computes anyway."""

    def share(self, network: nn.Module, flow: nn.Module) -> None:
        """Use the training's depth network and optical flow, not some of its own."""

    def between(
        self, earlier: Beside, later: Beside, given: tuple[StereoRig, StereoRig] | None
    ) -> PairMotion:
        """As `MotionNetwork`; ``given``: both frames' K where it is not learned."""


class SolvedMotion(nn.Module):
    """The motion that fits the flow best, given both frames' depth and K (as FlowMap, Smith 2024).

    A network that regresses motions has to learn what is known: how points move. Here the motion
    is solved for, by a few Gauss-Newton steps with a gradient, and only depth and K are learned.
    """

    def __init__(
        self,
        network: nn.Module,
        intrinsics: nn.Module | None = None,
        flow: nn.Module | None = None,
        every: int = 3,
        knee_px: float = 0.5,
        rounds: int = 6,
        two_views: nn.Module | None = None,
    ) -> None:
        """Build it.

        Args:
            network: the depth network; in a training, the training's own takes its place.
            intrinsics: see `m3depth.networks.video.intrinsics`; gets no features. None: K is given.
            flow: see `m3depth.networks.video.optical_flow`, likewise; none: `DisFlow`.
            every: every n-th pixel of every n-th row is looked at.
            knee_px: see `solve_motion`.
            rounds: see `solve_motion`.
            two_views: looks whether the flow has a better motion, see `TwoViews`; none: no.
        """
        super().__init__()
        for name, least in (("every", every), ("rounds", rounds)):
            require_number(f"motion.{name}", least, 1, whole=True)
        require_number("motion.knee_px", knee_px, 1e-3)
        self.network, self.intrinsics, self.flow = network, intrinsics, flow or DisFlow()
        self.every, self.knee_px, self.rounds = every, knee_px, rounds
        self.two_views = two_views

    def share(self, network: nn.Module, flow: nn.Module) -> None:
        """See `NeedsDepth`."""
        self.network, self.flow = network, flow

    def forward(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        """RGB in [0, 1], in the order of time.

        Raises:
            ConfigError: K was given in the training, and nothing gives it here.
        """
        flows = self.flow(earlier, later)
        here = Beside(earlier, self._depth(earlier), flows.there)
        there = Beside(later, self._depth(later), flows.back)
        return self.between(here, there, None)

    def between(
        self, earlier: Beside, later: Beside, given: tuple[StereoRig, StereoRig] | None
    ) -> PairMotion:
        """See `NeedsDepth`.

        Raises:
            ConfigError: K is neither learned nor given.
        """
        found = None
        if self.intrinsics is not None:
            nothing = earlier.image.new_zeros(len(earlier.image), 0)
            found = self.intrinsics(earlier.image, later.image, nothing)
            given = tuple(StereoRig(*(one[:, i] for one in found)) for i in (0, 1))  # type: ignore
        if given is None:
            raise ConfigError("motion: it learned no intrinsics, and none are given")
        with torch.autocast(earlier.image.device.type, enabled=False):
            seen = [
                observed(one.depth.float(), one.flow.px, one.flow.trusted, camera, self.every)
                for one, camera in zip((earlier, later), given, strict=True)
            ]
            solved = solve_motion(seen[0], seen[1], given, self.knee_px, self.rounds)
            if self.two_views is not None:
                solved = self.two_views(solved, earlier.flow, earlier.depth.float(), given)
        return PairMotion(solved, found)

    def _depth(self, image: Tensor) -> Float[Tensor, "b 1 h w"]:
        depth = self.network(image)[0].to(Kind.DEPTH)
        values: Tensor = depth.values
        return values
