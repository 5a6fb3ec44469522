"""A depth map that says what its numbers are, and what may be made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import (
    NEAREST_PARALLAX_PX,
    depth_from_disparity,
    disparity_from_depth,
)

TENSORS = ("values", "error", "known", "scale_deviation")
UNMIXED = 1 - 1e-6  # of a bilinear sample's weights, on what is known


class Kind(StrEnum):
    """What the numbers of a depth map are."""

    FRACTION = "disparity_fraction"  # x_left - x_right as a fraction of the image's width
    DISPARITY = "disparity_px"  # the same in pixels of the map
    INVERSE_DEPTH = "inverse_depth"  # of depth along z; 1/mm where it is metric
    DEPTH = "depth"  # along z; mm where it is metric


class Scale(StrEnum):
    """What is known of the numbers' scale."""

    METRIC = "metric"  # as they are
    UP_TO_SCALE = "up_to_scale"  # but for one factor, such as of structure from motion
    UP_TO_SCALE_AND_SHIFT = "up_to_scale_and_shift"  # but for a factor and a constant, as MiDaS


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Depth of the left view in any of its forms.

    Attributes:
        values: The numbers.
        kind: What they are.
        scale: What is known of their scale.
        camera: At the map's own resolution; None: the numbers alone are known.
        error: Mean absolute error to be expected of ``values``, in their unit; None: not known.
        known: False where ``values`` say nothing; None: they do everywhere. Depth 0 says so, too.
        right: The right view's map, where a network gives both.
        scale_deviation: Standard deviation of the logarithm of one factor that all of an image's
            depth has in common: 0.12 where it is known to 12 %. None: not known.
    """

    values: Float[Tensor, "b 1 h w"]
    kind: Kind
    scale: Scale = Scale.METRIC
    camera: StereoRig | None = None
    error: Float[Tensor, "b 1 h w"] | None = None
    known: Bool[Tensor, "b 1 h w"] | None = None
    right: "DepthMap | None" = None
    scale_deviation: Float[Tensor, " b"] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.values.shape[-2], self.values.shape[-1]

    @property
    def has_disparity(self) -> bool:
        """Whether it is a disparity, or becomes one by its camera's baseline.

        What is known up to a scale has none, whatever its kind.
        """
        if self.scale is not Scale.METRIC:
            return False
        if self.kind in (Kind.FRACTION, Kind.DISPARITY):
            return True
        return self.camera is not None and bool(self.camera.calibrated.all())

    def seen_by(self, camera: StereoRig) -> Self:
        """The same map, of a camera at the map's resolution."""
        return replace(self, camera=camera)

    def on(self, device: torch.device | str) -> "DepthMap":
        """The left view's map on another device, without the camera."""
        return self._each(lambda part: part.to(device))

    def to(self, kind: Kind) -> "DepthMap":
        """The same depth in another form.

        Disparity becomes depth by the camera's focal length and baseline (`depth_from_disparity`);
        inverse depth by 1/x. The expected error follows to first order. What has no counterpart,
        such as a parallax that is not positive, is 0 and not known.

        Raises:
            DataError: the conversion is not defined; with the reason.
        """
        return self if kind is self.kind else _CONVERSIONS[kind](self)

    def relative(self) -> "DepthMap":
        """What every map has in common: inverse depth up to scale and shift.

        Disparity is that of any rig, so neither focal length nor baseline need be known.
        """
        inverse = self.to(Kind.INVERSE_DEPTH) if self.kind is Kind.DEPTH else self
        kind, scale = Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT
        return replace(inverse, kind=kind, scale=scale, scale_deviation=None)

    def up_to_scale(self) -> "DepthMap":
        """Disparity of a camera without a baseline as inverse depth up to scale; else as it is.

        Such a camera has one principal point, so that infinity has no parallax. What
        `depth_from_disparity` takes for parallel is 0.
        """
        disparity = self.kind in (Kind.FRACTION, Kind.DISPARITY)
        if not disparity or self.camera is None or bool(self.camera.calibrated.any()):
            return self
        pixels = self.to(Kind.DISPARITY)
        values = torch.where(pixels.values > NEAREST_PARALLAX_PX, pixels.values, 0.0)
        kind, scale = Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE
        return replace(pixels, values=values, kind=kind, scale=scale, right=None)

    def depth_mm(self) -> Float[Tensor, "b 1 h w"]:
        """Depth along z in millimetres, 0 = not known.

        Raises:
            DataError: it is known up to a scale only, or not as depth.
        """
        if self.scale is not Scale.METRIC:
            raise DataError(
                f"millimetres are asked for, and this {self.kind} is known {_words(self.scale)} "
                "only: align it to something metric first"
            )
        depth = self.to(Kind.DEPTH)
        return depth.values if depth.known is None else torch.where(depth.known, depth.values, 0.0)

    def one(self, index: int) -> "DepthMap":
        """The left view's map of one image of the batch, without the camera."""
        part = slice(index, index + 1)
        return self._each(lambda all_of_them: all_of_them[part])

    def resized(self, size: tuple[int, int]) -> "DepthMap":
        """The left view's map at another (height, width), without the camera.

        Bilinear; the image's edges stay in place, as `StereoRig.resized` has it. Beside what is not
        known the nearest pixel's, so that nothing is mixed with it. A disparity in pixels becomes
        one of the new pixels.
        """
        if self.kind is Kind.DISPARITY:
            return self.to(Kind.FRACTION).resized(size).to(Kind.DISPARITY)
        values, error, known = _bilinear(self.values, size), self.error, self.known
        if known is not None:
            unmixed = _bilinear(known.to(values), size) > UNMIXED
            values = torch.where(unmixed, values, _nearest(self.values, size))
            known = _nearest(known.to(values), size) > 0.5
        error = None if error is None else _bilinear(error, size)
        return self._alone(values, error, known)

    def precise(self) -> "DepthMap":
        """The left view's map in float64, without the camera."""
        error = None if self.error is None else self.error.double()
        return self._alone(self.values.double(), error, self.known)

    def mirrored(self) -> "DepthMap":
        """Of the mirrored image, left to right; without a camera, and without the right view."""
        error, known = (None if one is None else one.flip(-1) for one in (self.error, self.known))
        return self._alone(self.values.flip(-1), error, known)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "DepthMap":
        """Every tensor of the left view changed, without the camera and the right view."""
        tensors = {name: getattr(self, name) for name in TENSORS}
        changed: Any = {name: change(one) for name, one in tensors.items() if one is not None}
        return replace(self, camera=None, right=None, **changed)

    def _alone(self, values: Tensor, error: Tensor | None, known: Tensor | None) -> "DepthMap":
        """Other numbers of the left view, without the camera and the right view."""
        return replace(self, values=values, error=error, known=known, camera=None, right=None)

    def _times(self, factor: float, kind: Kind) -> "DepthMap":
        error = None if self.error is None else self.error * factor
        return replace(self, values=self.values * factor, kind=kind, error=error, right=None)

    def _rig(self, wanted: str) -> StereoRig:
        """The camera, if disparity and depth can be computed from each other.

        Raises:
            DataError: they cannot.
        """
        if self.scale is not Scale.METRIC:
            raise DataError(
                f"{self.kind} {_words(self.scale)} has no {wanted}: align it to something metric "
                "first"
            )
        if self.camera is None or not bool(self.camera.calibrated.any()):
            raise DataError(
                f"{self.kind} becomes {wanted} by the rig's focal length and baseline, and no "
                "baseline is known here"
            )
        return self.camera


def _fraction(given: DepthMap) -> DepthMap:
    pixels = given.to(Kind.DISPARITY)
    return pixels._times(1 / given.size[1], Kind.FRACTION)


def _disparity(given: DepthMap) -> DepthMap:
    if given.kind is Kind.FRACTION:
        return given._times(given.size[1], Kind.DISPARITY)
    rig = given._rig("disparity")
    depth = given.to(Kind.DEPTH)
    slope = _per_pixel(rig.fx * rig.baseline_mm) / depth.values.square().clamp_min(1e-12)
    return _made(depth, Kind.DISPARITY, disparity_from_depth(depth.values, rig), slope)


def _inverse_depth(given: DepthMap) -> DepthMap:
    depth = given.to(Kind.DEPTH)
    _require_no_shift(depth)
    return _made(depth, Kind.INVERSE_DEPTH, *_inverted(depth.values))


def _depth(given: DepthMap) -> DepthMap:
    if given.kind is Kind.INVERSE_DEPTH:
        _require_no_shift(given)
        return _made(given, Kind.DEPTH, *_inverted(given.values))
    rig = given._rig("depth")
    disparity = given.to(Kind.DISPARITY)
    depth = depth_from_disparity(disparity.values, rig)
    slope = depth.square() / _per_pixel(rig.fx * rig.baseline_mm)
    return _made(disparity, Kind.DEPTH, depth, slope)


_CONVERSIONS: Mapping[Kind, Callable[[DepthMap], DepthMap]] = {
    Kind.FRACTION: _fraction,
    Kind.DISPARITY: _disparity,
    Kind.INVERSE_DEPTH: _inverse_depth,
    Kind.DEPTH: _depth,
}


def _require_no_shift(given: DepthMap) -> None:
    """1/(a·x + b) is no scale and shift of 1/x."""
    if given.scale is Scale.UP_TO_SCALE_AND_SHIFT:
        raise DataError(
            f"{given.kind} up to scale and shift has no inverse: its shift must be found first, by "
            "an alignment"
        )


def _made(given: DepthMap, kind: Kind, values: Tensor, slope: Tensor) -> DepthMap:
    """``slope`` is by how much ``values`` change with those of ``given``."""
    positive = values > 0 if kind is Kind.DEPTH else given.values > 0
    known = positive if given.known is None else positive & given.known
    error = None if given.error is None else torch.where(known, given.error * slope, 0.0)
    return replace(given, values=values, kind=kind, error=error, known=known, right=None)


def _inverted(values: Tensor) -> tuple[Tensor, Tensor]:
    """1/x and the size of its slope; 0 where x is not positive."""
    inverse = torch.where(values > 0, 1 / values.clamp_min(torch.finfo(values.dtype).tiny), 0.0)
    return inverse, inverse.square()


def _nearest(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps, size, mode="nearest-exact")


def _bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)


def _words(scale: Scale) -> str:
    return scale.value.replace("_", " ")


def _per_pixel(value: Float[Tensor, "*b"]) -> Float[Tensor, "*b 1 1 1"]:
    return value[..., None, None, None]
