"""What a sound prior is: what no layout may be given, and no reader take without a word.

Each part of a frame has one function here, which gives its faults. `require_sound` stops writers at
them, `require_sound_frame` stops `m3depth splat`, and `m3depth check kind=prior` lists them.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import inf, isfinite
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, Oddity, oddities
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig

ROUNDING = 1e-3  # of what is 0 to 1: a resize may overshoot by its rounding
METRES_BELOW_MM = 1.0  # no endoscope sees anything nearer: such a median is in metres
PLAUSIBLE_MM = (3.0, 1000.0)  # the median depth of an endoscope's scene; others may be meant
RIGID_TOLERANCE = 1e-3


class Fault(NamedTuple):
    """What is wrong with a part of a frame, or with a scene."""

    code: str  # stable, for scripts
    said: str  # what is wrong, in one sentence
    mend: str  # what to do
    sure: bool = True  # else it may be meant
    evidence: Mapping[str, float] = {}  # units in the names; never written to
    frames: tuple[str, ...] = ()  # which, where not all


def require_sound(prior: DepthPrior) -> None:
    """Stop at a frame that a reader would take for something else.

    Raises:
        DataError: no calibration, or no camera's; maps of other sizes; a mask, a confidence or a
            deviation that is none; colours that are not 0 to 1, depths that are no numbers, depth
            in metres, a pose that is no rotation and translation.
    """
    prior.require_millimetres()
    _require_camera(prior)
    _require_maps(prior)
    if prior.confidence is not None:
        stop_at(prior.key, confidence_faults(prior.confidence))
    stop_at(prior.key, scale_faults(prior.scale_deviation))
    require_sound_frame(prior.key, prior.image, prior.depth_mm, prior.camera_to_world)


def require_sound_frame(
    key: str,
    image: Float[Tensor, "3 h w"],
    depth_mm: Float[Tensor, "1 h w"],
    camera_to_world: Float[Tensor, "rows columns"],
) -> None:
    """The same for a frame's parts; ``key`` names it.

    Raises:
        DataError: see `require_sound`.
    """
    stop_at(key, colour_faults(image))
    stop_at(key, depth_faults(depth_mm))
    stop_at(key, unit_faults(depth_mm))
    stop_at(key, pose_faults(camera_to_world))


def colour_faults(image: Float[Tensor, "*shape"]) -> Iterator[Fault]:
    """Of colours from 0 to 1."""
    # The extremes are not finite where any value is not: one pass tells both
    low, high = (float(extreme) for extreme in image.aminmax())
    if not (isfinite(low) and isfinite(high)):
        yield Fault("colours", "NaN or infinity among the colours", "write the image again")
    elif low < -ROUNDING or high > 1 + ROUNDING:
        yield Fault("colours", f"colours from {low:.3g} to {high:.3g}", "expected 0 to 1")


def depth_faults(depth: Float[Tensor, "*shape"]) -> Iterator[Fault]:
    """Of depth in any unit, where 0 is not known."""
    nearest, farthest = (float(extreme) for extreme in depth.aminmax())
    if isfinite(nearest) and isfinite(farthest) and nearest >= 0:
        return
    code = "depth_negative" if nearest < 0 and isfinite(farthest) else "depth_not_finite"
    yield Fault(code, "NaN, infinite or negative depth", "unknown depth is 0")


def unit_faults(depth_mm: Float[Tensor, "*shape"]) -> Iterator[Fault]:
    """Of depth that should be in millimetres."""
    known = int(torch.count_nonzero(depth_mm > 0))
    large = int(torch.count_nonzero(depth_mm >= METRES_BELOW_MM))
    if 2 * large < known:
        yield Fault(
            "unit",
            f"the median depth is {float(depth_mm[depth_mm > 0].median()):.3g} mm, so it is in "
            "metres",
            "give the rig's baseline in millimetres (baseline_mm), or for a scene of others "
            "foreign.depth_unit_mm=1000",
        )


def confidence_faults(confidence: Float[Tensor, "*shape"]) -> Iterator[Fault]:
    """Of a probability."""
    low, high = (float(extreme) for extreme in confidence.aminmax())
    if not -ROUNDING <= low <= high <= 1 + ROUNDING:  # NaN is not
        yield Fault("confidence", f"confidence from {low:.3g} to {high:.3g}", "expected 0 to 1")


def scale_faults(scale_deviation: float | None) -> Iterator[Fault]:
    """Of a standard deviation, where one is told."""
    if scale_deviation is not None and not 0 <= scale_deviation < inf:  # NaN is not
        said = f"a scale deviation of {scale_deviation:g}"
        yield Fault("scale_deviation", said, "expected a share of the scale, 0.12 for 12 %")


def camera_faults(K: Float[Tensor, "rows columns"], size: tuple[int, int]) -> Iterator[Fault]:
    """What no pinhole camera's K has, for images of ``size`` (height, width)."""
    last_row = torch.tensor([[0, 0, 1]], dtype=K.dtype)
    whole = K.shape == (3, 3) and bool(K.isfinite().all()) and bool((K[2:] - last_row == 0).all())
    if not (whole and K[0, 0] > 0 and K[1, 1] > 0 and K[0, 1] == 0 and K[1, 0] == 0):
        told = "expected [fx 0 cx; 0 fy cy; 0 0 1], finite, focal lengths above 0 and no skew"
        yield Fault("intrinsics", f"K = {K.tolist()}", told)
        return
    for oddity in _oddities(K, size):
        if oddity.doubt is Doubt.IMPOSSIBLE:
            yield Fault(oddity.code, f"K: {oddity.said}", oddity.mend)


def camera_doubts(K: Float[Tensor, "rows columns"], size: tuple[int, int]) -> Iterator[Fault]:
    """What hardly any K has that `camera_faults` let pass."""
    for oddity in _oddities(K, size):
        if oddity.doubt in (Doubt.ODD, Doubt.UNLIKELY):
            sure = oddity.doubt is Doubt.UNLIKELY
            yield Fault(oddity.code, f"K: {oddity.said}", oddity.mend, sure)


def _oddities(K: Float[Tensor, "3 3"], size: tuple[int, int]) -> list[Oddity]:
    fx, fy, cx, cy = (float(value) for value in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    return oddities(StereoRig.of(fx, fy, cx, cy, cx, 0.0), size)


def pose_faults(pose: Float[Tensor, "rows columns"]) -> Iterator[Fault]:
    """Of a camera-to-world pose [R t; 0 0 0 1]."""
    if pose.shape != (4, 4):
        yield Fault("no_rotation", f"camera_to_world is {tuple(pose.shape)}", "give [R t; 0 0 0 1]")
        return
    pose = pose.double()
    rotation = pose[:3, :3]
    # Not finite fails here too: a comparison with NaN is False
    orthonormal = (rotation.T @ rotation - torch.eye(3)).abs().max() < RIGID_TOLERANCE
    last_row = (pose[3] - torch.tensor([0.0, 0.0, 0.0, 1.0])).abs().max() < RIGID_TOLERANCE
    if not (orthonormal and last_row and torch.det(rotation) > 0 and pose.isfinite().all()):
        yield Fault(
            "no_rotation",
            "camera_to_world is no rotation and translation (determinant "
            f"{float(torch.det(rotation)):.3g})",
            "give [R t; 0 0 0 1] with orthonormal, right-handed R",
        )


def stop_at(key: str, faults: Iterable[Fault]) -> None:
    """One line for the first fault; ``key`` names the frame or its file.

    Raises:
        DataError: there is a fault.
    """
    for fault in faults:
        raise DataError(f"{key}: {fault.said}; {fault.mend}")


def _require_camera(prior: DepthPrior) -> None:
    values = {name: float(value) for name, value in prior.rig._asdict().items()}
    wrong = [name for name, value in values.items() if not isfinite(value)]
    wrong += [name for name in ("fx", "fy") if values[name] <= 0]
    if wrong:
        raise DataError(
            f"{prior.key}: {wrong[0]} of the rig is {values[wrong[0]]:g}, which no camera has; "
            "calibrate it anew"
        )


def _require_maps(prior: DepthPrior) -> None:
    use = torch.ones(1, *prior.size, dtype=torch.bool) if prior.use is None else prior.use
    maps = {"depth_mm": prior.depth_mm, "confidence": prior.confidence, "use": use}
    for name, one in ((name, one) for name, one in maps.items() if one is not None):
        if one.shape != (1, *prior.size):
            raise DataError(
                f"{prior.key}: {name} has the shape {tuple(one.shape)}, the image "
                f"{tuple(prior.image.shape)}; expected one channel of the image's size"
            )
    if use.dtype != torch.bool:
        raise DataError(f"{prior.key}: use holds {use.dtype}; expected true or false: mask > 0")
