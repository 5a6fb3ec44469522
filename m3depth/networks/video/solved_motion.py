"""A motion network that computes: from the depth network's depth, an optical flow, and K."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.geometry.solved_motion import Observed, observed, solve_motion
from m3depth.matching.optical_flow import Flow
from m3depth.networks.video.optical_flow import DisFlow
from m3depth.networks.video.two_views import TwoViews
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
        two_views: TwoViews | None = None,
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
        return self._of_images(earlier, later, None)

    def with_cameras(
        self,
        earlier: Float[Tensor, "b 3 h w"],
        later: Float[Tensor, "b 3 h w"],
        given: tuple[StereoRig, StereoRig],
    ) -> PairMotion:
        """See `TakesCameras`; where K is learned, the learned one is used."""
        return self._of_images(earlier, later, given)

    def _of_images(
        self, earlier: Tensor, later: Tensor, given: tuple[StereoRig, StereoRig] | None
    ) -> PairMotion:
        flows = self.flow(earlier, later)
        here = Beside(earlier, self._depth(earlier), flows.there)
        there = Beside(later, self._depth(later), flows.back)
        return self.between(here, there, given)

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
            raise ConfigError(
                "motion: it was trained with K given (system.motion.intrinsics=null), and these "
                "frames have none: give rig=PATH, or a rig.yaml beside them"
            )
        with torch.autocast(earlier.image.device.type, enabled=False):
            seen = [
                observed(one.depth.float(), one.flow.px, one.flow.trusted, camera, self.every)
                for one, camera in zip((earlier, later), given, strict=True)
            ]
            solved = self._solved((seen[0], seen[1]), given, earlier)
        return PairMotion(solved, found)

    def _solved(
        self, seen: tuple[Observed, Observed], given: tuple[StereoRig, StereoRig], earlier: Beside
    ) -> Float[Tensor, "b 4 4"]:
        """A pair that takes the flow's own motion is not solved for again: it has no gradient."""
        if self.two_views is None:
            return solve_motion(*seen, given, self.knee_px, self.rounds)
        with torch.no_grad():
            solved = solve_motion(*seen, given, self.knee_px, self.rounds)
        gives_way, motion = self.two_views(solved, earlier.flow, earlier.depth.float(), given)
        found: Tensor = motion
        stays = (~gives_way).nonzero()[:, 0]
        if not len(stays):
            return found
        one, other = (Observed(*(part[stays] for part in frame)) for frame in seen)
        here, there = (StereoRig(*(part[stays] for part in camera)) for camera in given)
        again = solve_motion(one, other, (here, there), self.knee_px, self.rounds)
        return found.index_copy(0, stays, again)

    def _depth(self, image: Tensor) -> Float[Tensor, "b 1 h w"]:
        depth = self.network(image)[0].to(Kind.DEPTH)
        values: Tensor = depth.values
        return values
