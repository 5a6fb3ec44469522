"""Rows that do not correspond: offset, rotation, scale, and bends that distortion leaves."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from m3depth.check.finding import Finding
from m3depth.check.measuring.grading import Graded, Limits, grade
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate, RowAlignment
from m3depth.check.measuring.sampler import Sampled

LEVEL = "Lines join points that both views show; in a rectified pair every line is level."


@dataclass(frozen=True)
class VerticalOffset:
    """The rows of the right view lie higher or lower than the left view's.

    Args:
        warning_px: In pixels of the images as stored.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """

    warning_px: float = 0.5
    error_px: float = 1.0
    of_height: float = 0.0015

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding."""
        yield from _in_pixels(
            sampled,
            self,
            lambda rows: rows.offset_px,
            "vertical_offset",
            "the views' rows are apart by {}",
            "rectify with the calibration of this very set; a constant offset can be cut off: "
            "crop one view by as many rows",
        )


@dataclass(frozen=True)
class ViewRotation:
    """One view is turned against the other about the line of sight.

    Args:
        warning_deg: In degrees.
        error_deg: The same.
        edge_px: An angle that moves the image's edge by more than this is an error, too.
        edge_of_height: The same as a fraction of the height; the larger counts.
    """

    warning_deg: float = 0.2
    error_deg: float = 0.4
    edge_px: float = 2.0
    edge_of_height: float = 0.003

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding."""
        graded = _graded(sampled, lambda a: a.rotation_deg, self._limits)
        if graded is not None:
            turned = graded.quoted(lambda degrees: f"{abs(degrees):.2f} degrees")
            yield _finding(
                graded,
                "view_rotation",
                "deg",
                f"one view is turned against the other by {turned}",
                "rectify again: the calibration's rotation between the cameras is missing, "
                "inverted or another endoscope's",
            )

    def _limits(self, frame: MeasuredFrame) -> Limits:
        height, width = frame.size
        edge_px = max(self.edge_px, self.edge_of_height * height)
        widest = math.degrees(edge_px / (width / 2))
        share = min(1.0, widest / self.error_deg)
        return Limits(self.warning_deg * share, self.error_deg * share)


@dataclass(frozen=True)
class VerticalScale:
    """One view is larger than the other.

    Args:
        warning_px: Vertical disparity at the upper and lower edge that it makes.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """

    warning_px: float = 0.75
    error_px: float = 1.5
    of_height: float = 0.002

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding."""
        yield from _in_pixels(
            sampled,
            self,
            lambda rows: rows.stretch_px,
            "vertical_scale",
            "one view is larger: rows at the edge are apart by {}",
            "rectify both views to one focal length, and resize them alike",
        )


@dataclass(frozen=True)
class Distortion:
    """Rows that bend against each other, as lens distortion or a strong convergence leaves them.

    Args:
        warning_px: Root mean square over the image of the bend.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """

    warning_px: float = 0.5
    error_px: float = 1.0
    of_height: float = 0.0015

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding."""
        yield from _in_pixels(
            sampled,
            self,
            lambda rows: rows.bend_px,
            "distortion",
            "rows bend against each other by {} (root mean square)",
            "undistort while rectifying: distortion or a tilt between the cameras is left in",
        )


def _in_pixels(
    sampled: Sampled,
    check: VerticalOffset | VerticalScale | Distortion,
    quantity: Callable[[RowAlignment], Estimate],
    code: str,
    said: str,
    mend: str,
) -> Iterator[Finding]:
    limits = Limits(check.warning_px, check.error_px)
    graded = _graded(sampled, quantity, lambda f: limits.at_least(check.of_height * f.size[0]))
    if graded is not None:
        size = graded.quoted(lambda px: f"{abs(px):.1f} px")
        yield _finding(graded, code, "px", said.format(size), mend)


def _graded(
    sampled: Sampled,
    quantity: Callable[[RowAlignment], Estimate],
    limits: Callable[[MeasuredFrame], Limits],
) -> Graded | None:
    aligned = [(frame, frame.alignment) for frame in sampled.plain]
    values = [(frame, quantity(found)) for frame, found in aligned if found is not None]
    return grade(values, [limits(frame) for frame, _ in values])


def _finding(graded: Graded, code: str, unit: str, said: str, mend: str) -> Finding:
    picture = graded.worst[0][0].joined if graded.worst else None
    evidence = {f"median_{unit}": graded.whole, f"worst_{unit}": _worst(graded)}
    return Finding(code, graded.severity, said, mend, evidence, graded.keys, picture, LEVEL)


def _worst(graded: Graded) -> float:
    return graded.worst[0][1] if graded.worst else graded.whole
