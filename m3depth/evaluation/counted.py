"""How much of a test set a protocol counts, and why not the rest."""

from collections.abc import Mapping
from typing import NamedTuple

from m3depth.evaluation.compared import Compared
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.row import PixelCounts
from m3depth.evaluation.truth import Truth

OF = "of"  # all pixels of the truth; the other names of a `PixelCounts` are why some do not count
IN_LEFT_OUT_FRAMES = "in frames left out"
NO_TRUTH = "no true depth"
NOT_PREDICTED = "nothing predicted where the true depth is known"


class LeftOut(NamedTuple):
    """A frame that is in no number of a protocol."""

    position: int  # in the data set
    key: str
    why: str
    pixels: PixelCounts = {}  # noqa: RUF012  # never written to


def pixels(truth: Truth, protocol: Protocol, compared: Compared | None) -> PixelCounts:
    """How many pixels a frame's truth has, and how many of them do not count for which reason.

    Args:
        truth: Before the protocol looks at it.
        protocol: Of the scores.
        compared: What is scored; None where nothing of the frame is.
    """
    known = int((truth.depth_mm > 0).sum())
    used = int(truth.counts.sum())
    ranged = int((truth.counts & protocol.in_range(truth.depth_mm)).sum())
    kept = int(protocol.within(truth).counts.sum())
    told = {
        OF: truth.counts.numel(),
        NO_TRUTH: truth.counts.numel() - known,
        "masked out": known - used,
        "out of range": used - ranged,
        "outside the crop": ranged - kept,
    }
    if compared is None:
        told[IN_LEFT_OUT_FRAMES] = kept
    else:
        scored = compared.truth.counts
        told["not predicted"] = int(scored.sum()) - int(compared.answered.sum())
    return {why: count for why, count in told.items() if count}


def why_left_out(truth: Truth, protocol: Protocol) -> str:
    """Why a protocol cannot count a frame at all; "" where it can.

    Args:
        truth: Before the protocol looks at it, some of it known.
        protocol: Of the scores.
    """
    if not truth.counts.any():
        return "all of its true depth is masked out"
    if protocol.too_sparse(truth):
        return protocol.sparse
    if not protocol.in_range(truth.depth_mm)[truth.counts].any():
        return f"no true depth within {protocol.range}"
    return "" if protocol.within(truth).counts.any() else "no true depth inside the crop"


def told(counted: int, of: int, what: str, why: Mapping[str, int]) -> str:
    """In words.

    >>> told(5, 10, "frames", {"no true depth": 5})
    '5 of 10 frames (5: no true depth)'
    >>> told(10, 10, "frames", {})
    'all 10 frames'
    """
    if counted == of:
        return f"all {of:,} {what}"
    reasons = "; ".join(f"{count:,}: {reason}" for reason, count in why.items())
    return f"{counted:,} of {of:,} {what}" + (f" ({reasons})" if reasons else "")
