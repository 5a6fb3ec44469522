"""A video's target frame rebuilt from its other frames: all that the losses look at."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.geometry.motion import Landing, landing
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.warp import look_up
from m3depth.types import StereoRig

BARELY = 1e-3  # less of what misleads than this is rounding


@dataclass(frozen=True)
class Source:
    """One of the frames that the target is rebuilt from, before its motion is used.

    A right view is one, too: its motion is the rig's baseline.
    """

    image: Float[Tensor, "b 3 h w"]
    source_from_target: Float[Tensor, "b 4 4"]
    target_camera: StereoRig  # fields (b,); each pair of frames may have its own
    camera: StereoRig
    ignore: Float[Tensor, "b 1 h w"] | None = None  # 1 where the colour misleads
    flow_px: Float[Tensor, "b 2 h w"] | None = None  # where the target's pixels are seen to go
    trusted: Bool[Tensor, "b 1 h w"] | None = None  # of that flow: there and back agree
    inverse_depth: Float[Tensor, "b 1 h w"] | None = None  # of the source, where it is known


@dataclass(frozen=True)
class Rebuilt:
    """The target as one source shows it, at one scale's depth."""

    source: Source
    depth: Float[Tensor, "b 1 h w"]  # of the target
    landing: Landing
    image: Float[Tensor, "b 3 h w"]  # rebuilt from the source's colours
    expected: Float[Tensor, "b 3 h w"]  # the target, brightened or dimmed to the source's light
    comparable: Bool[Tensor, "b 1 h w"]  # in view, and no colour misleads
    identity: Bool[Tensor, "b 1 h w"]  # the same without any motion

    @property
    def points(self) -> Float[Tensor, "b 3 h w"]:
        """What the target's pixels show, in its camera's frame."""
        points = back_project(*pixel_grid(self.depth), self.source.target_camera)
        return points.mT.reshape(-1, 3, *self.depth.shape[-2:])

    @property
    def registered(self) -> Float[Tensor, "b 3 h w"]:
        """The target as the source shows it by the optical flow; without one, by depth."""
        flow = self.source.flow_px
        return self.image if flow is None else moved_by(self.source.image, flow)


@dataclass(frozen=True)
class TargetViews:
    """One scale of a batch of clips: the target, and what its sources make of it."""

    image: Float[Tensor, "b 3 h w"]  # the clean target
    inverse_depth: Float[Tensor, "b 1 h w"]  # at the image's size, whatever the scale
    rebuilt: tuple[Rebuilt, ...]  # one for each source
    progress: float = 1.0  # share of the run that is done

    @property
    def depth(self) -> Float[Tensor, "b 1 h w"]:
        """Along z, in the translations' unit."""
        return 1 / self.inverse_depth


def rebuild_target(
    image: Float[Tensor, "b 3 h w"],
    ignore: Float[Tensor, "b 1 h w"] | None,
    inverse_depth: Float[Tensor, "b 1 _ _"],
    sources: tuple[Source, ...],
    progress: float = 1.0,
) -> TargetViews:
    """Rebuild the target from each source at full resolution (Godard et al. 2019, section 3.3).

    Args:
        image: the clean target.
        ignore: 1 where its colour misleads.
        inverse_depth: of the target, > 0; a coarser scale's is resized first.
        sources: see `Source`.
        progress: share of the run that is done.
    """
    full = functional.interpolate(
        inverse_depth.float(), image.shape[-2:], mode="bilinear", align_corners=False
    )
    rebuilt = tuple(_rebuilt(image, ignore, 1 / full, source) for source in sources)
    return TargetViews(image, full, rebuilt, progress)


def brightened(views: TargetViews, expected: list[Float[Tensor, "b 3 h w"]]) -> TargetViews:
    """The views with what each source's light makes of the target."""
    pairs = zip(views.rebuilt, expected, strict=True)
    return replace(views, rebuilt=tuple(replace(one, expected=light) for one, light in pairs))


def _rebuilt(image: Tensor, ignore: Tensor | None, depth: Tensor, source: Source) -> Rebuilt:
    where = landing(depth, source.source_from_target, source.target_camera, source.camera)
    found = where.look_up(source.image)
    here = torch.zeros_like(depth) if ignore is None else ignore
    theirs = torch.zeros_like(depth) if source.ignore is None else source.ignore
    comparable = where.visible
    if ignore is not None or source.ignore is not None:
        comparable = comparable & _clear(here, where.look_up(theirs))
    return Rebuilt(source, depth, where, found, image, comparable, _clear(here, theirs))


def moved_by(
    source: Float[Tensor, "b c h w"], flow_px: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, "b c h w"]:
    """What the source has where the flow leads; the edge's value beyond its edge."""
    height, width = flow_px.shape[-2:]
    x = flow_px[:, 0] + torch.arange(width, device=flow_px.device)
    y = flow_px[:, 1] + torch.arange(height, device=flow_px.device)[:, None]
    return look_up(source, x, y)


def _clear(here: Tensor, there: Tensor) -> Bool[Tensor, "b 1 h w"]:
    """Whether the 3x3 window that SSIM looks at holds nothing that misleads."""
    either = torch.maximum(here, there).detach()
    return functional.max_pool2d(either, 3, stride=1, padding=1) < BARELY
