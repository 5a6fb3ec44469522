"""From a number for each frame to one finding for the set."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from m3depth.check.finding import Severity
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate, Values


class Limits(NamedTuple):
    """Above which a number is a warning, and above which an error."""

    warning: float
    error: float

    def at_least(self, floor: float) -> "Limits":
        """The same, the error no lower than ``floor`` and the warning in proportion."""
        scale = max(1.0, floor / self.error)
        return Limits(self.warning * scale, self.error * scale)

    def severity(self, size: float) -> Severity | None:
        """None below the warning."""
        if size > self.error:
            return Severity.ERROR
        return Severity.WARNING if size > self.warning else None


class Graded(NamedTuple):
    """The verdict on a set's frames."""

    severity: Severity
    whole: float  # of the set: the median over its frames
    worst: list[tuple[MeasuredFrame, float]]  # frames beyond the limit, the worst first
    judged: int

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the frames beyond the limit."""
        return tuple(frame.key for frame, _ in self.worst)

    @property
    def of(self) -> str:
        """How many frames, in words."""
        return f"{len(self.worst)} of {self.judged} frames"

    def quoted(self, number: Callable[[float], str]) -> str:
        """The worst frame's number, the median one's, and in how many frames it is too large."""
        typical = f"{number(self.whole)} in the median frame"
        if not self.worst:
            return f"{typical}, which {self.judged} frames together show"
        frame, value = self.worst[0]
        return f"{number(value)} in the worst frame ({frame.key}), {typical}; too much in {self.of}"


def grade(
    measured: Sequence[tuple[MeasuredFrame, Estimate]], limits: Sequence[Limits]
) -> Graded | None:
    """Judge each frame, and the set as a whole, by what is certain at three standard errors.

    The set's median is surer than one frame's number, so that many poor frames can show what none
    of them can; one bad frame in a good set shows by itself.
    """
    if not measured:
        return None
    values = np.array([estimate.value for _, estimate in measured])
    whole = _whole(values, np.array([estimate.error for _, estimate in measured]))
    singles = [
        limit.severity(estimate.sure) for (_, estimate), limit in zip(measured, limits, strict=True)
    ]
    common = Limits(*np.median(np.array(limits), axis=0)).severity(whole.sure)
    found = [severity for severity in (*singles, common) if severity is not None]
    if not found:
        return None
    severity = max(found)
    pairs = zip(measured, limits, strict=True)
    beyond = [
        (frame, estimate.value)
        for (frame, estimate), limit in pairs
        if abs(estimate.value) > (limit.error if severity is Severity.ERROR else limit.warning)
    ]
    worst = sorted(beyond, key=lambda pair: -abs(pair[1]))
    return Graded(severity, whole.value, worst, len(measured))


def _whole(values: Values, errors: Values) -> Estimate:
    certain = np.isfinite(errors)
    if not certain.any():
        return Estimate(0.0, math.inf)
    return Estimate.of_median(values[certain], float(np.median(errors[certain])))
