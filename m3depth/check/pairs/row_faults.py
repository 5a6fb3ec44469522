"""Rows that do not correspond: offset, rotation, scale, and bends that distortion leaves."""

import math
from collections.abc import Callable, Iterator

from m3depth.check.finding import Finding
from m3depth.check.measuring.grading import Graded, Limits, grade
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate, RowAlignment
from m3depth.check.measuring.sampler import Sampled

LEVEL = "Lines join points that both views show; in a rectified pair every line is level."


def vertical_offset(
    sampled: Sampled, warning_px: float = 0.5, error_px: float = 1.0, of_height: float = 0.0015
) -> Iterator[Finding]:
    """The rows of the right view lie higher or lower than the left view's.

    Args:
        sampled: The frames that were looked at.
        warning_px: In pixels of the images as stored.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """
    yield from _in_pixels(
        sampled,
        Limits(warning_px, error_px),
        of_height,
        lambda rows: rows.offset_px,
        "vertical_offset",
        "the views' rows are apart by {}",
        "rectify with the calibration of this very set; a constant offset can be cut off: "
        "crop one view by as many rows",
    )


def view_rotation(
    sampled: Sampled,
    warning_deg: float = 0.2,
    error_deg: float = 0.4,
    edge_px: float = 2.0,
    edge_of_height: float = 0.003,
) -> Iterator[Finding]:
    """One view is turned against the other about the line of sight.

    Args:
        sampled: The frames that were looked at.
        warning_deg: In degrees.
        error_deg: The same.
        edge_px: An angle that moves the image's edge by more than this is an error, too.
        edge_of_height: The same as a fraction of the height; the larger counts.
    """

    def limits(frame: MeasuredFrame) -> Limits:
        height, width = frame.size
        widest = math.degrees(max(edge_px, edge_of_height * height) / (width / 2))
        share = min(1.0, widest / error_deg)
        return Limits(warning_deg * share, error_deg * share)

    graded = _graded(sampled, lambda rows: rows.rotation_deg, limits)
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


def vertical_scale(
    sampled: Sampled, warning_px: float = 0.75, error_px: float = 1.5, of_height: float = 0.002
) -> Iterator[Finding]:
    """One view is larger than the other.

    Args:
        sampled: The frames that were looked at.
        warning_px: Vertical disparity at the upper and lower edge that it makes.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """
    yield from _in_pixels(
        sampled,
        Limits(warning_px, error_px),
        of_height,
        lambda rows: rows.stretch_px,
        "vertical_scale",
        "one view is larger: rows at the edge are apart by {}",
        "rectify both views to one focal length, and resize them alike",
    )


def distortion(
    sampled: Sampled, warning_px: float = 0.5, error_px: float = 1.0, of_height: float = 0.0015
) -> Iterator[Finding]:
    """Rows that bend against each other, as lens distortion or a strong convergence leaves them.

    Args:
        sampled: The frames that were looked at.
        warning_px: Root mean square over the image of the bend.
        error_px: The same.
        of_height: The error is no lower than this fraction of the height.
    """
    yield from _in_pixels(
        sampled,
        Limits(warning_px, error_px),
        of_height,
        lambda rows: rows.bend_px,
        "distortion",
        "rows bend against each other by {} (root mean square)",
        "undistort while rectifying: distortion or a tilt between the cameras is left in",
    )


def _in_pixels(
    sampled: Sampled,
    limits: Limits,
    of_height: float,
    quantity: Callable[[RowAlignment], Estimate],
    code: str,
    said: str,
    mend: str,
) -> Iterator[Finding]:
    graded = _graded(sampled, quantity, lambda f: limits.at_least(of_height * f.size[0]))
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
