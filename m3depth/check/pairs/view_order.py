"""The views themselves: swapped, one picture twice, two pictures in one."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.sampler import Sampled


def swapped_views(sampled: Sampled) -> Iterator[Finding]:
    """The left camera's pictures are called right.

    Known depth decides, where there is one. Without it, points nearer than infinity must lie
    further left in the right view; infinity is the offset of the principal points that the
    calibration states.
    """
    swapped = [frame for frame in sampled.plain if frame.swapped]
    if not swapped:
        return
    worst = max(swapped, key=lambda frame: frame.behind)
    shift = float(np.median(worst.kept.shift_px[:, 0]))
    typical = float(np.median([frame.behind for frame in swapped]))
    evidence = {"wrong_way_share": worst.behind, "median_disparity_px": shift}
    yield Finding(
        "swapped_views",
        Severity.ERROR,
        f"{worst.behind:.0%} of the points move the wrong way between the views (median "
        f"disparity {shift:.1f} px, infinity at {worst.offset_px:.1f} px) in the worst frame "
        f"({worst.key}), {typical:.0%} in the median of those that are swapped: {len(swapped)} "
        f"of {len(sampled.plain)} frames",
        "exchange left and right; if they are right, the principal points of the two views "
        "differ: give cx_right, or rectify so that infinity has disparity 0",
        {**evidence, "infinity_px": worst.offset_px},
        tuple(frame.key for frame in swapped),
        worst.joined,
        "Lines join points that both views show; near things are further left in the right.",
    )


def same_view(sampled: Sampled) -> Iterator[Finding]:
    """Left and right are one and the same picture."""
    same = [frame for frame in sampled.frames if frame.same_view and frame.halves is None]
    if same:
        yield Finding(
            "same_view",
            Severity.ERROR,
            f"left and right are the same picture in {len(same)} of {len(sampled.frames)} frames",
            "give the right camera's pictures as right; one view holds no disparity",
            {"share": len(same) / len(sampled.frames)},
            tuple(frame.key for frame in same),
            same[0].views,
            "The two views, equal to the last bit or nearly.",
        )


def stacked_frames(sampled: Sampled) -> Iterator[Finding]:
    """One picture holds both views, one above or beside the other."""
    found = [(frame, frame.halves) for frame in sampled.frames]
    stacked = [(frame, halves) for frame, halves in found if halves is not None]
    if not stacked:
        return
    frame, halves = max(stacked, key=lambda pair: pair[1].share)
    yield Finding(
        "stacked_frames",
        Severity.ERROR,
        f"the left picture holds two views, {halves.how}, in {len(stacked)} of "
        f"{len(sampled.frames)} frames: {len(halves.matches.left_px)} points of one half are "
        "in the other",
        "split each picture into its two views before it is used as a pair",
        {"matches": float(len(halves.matches.left_px)), "share_of_points": halves.share},
        tuple(frame.key for frame, _ in stacked),
        frame.left,
        "The left picture.",
    )
