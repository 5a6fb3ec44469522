"""Whether a level helped, by frames that it was not adapted to, without labels."""

from typing import NamedTuple

import numpy as np

from m3depth.adaptation.evidence import Evidence, Numbers

SURE = 1.64  # standard errors of the mean over the frames: 95 %, one-sided
LEAST = 0.02  # of what it was: a smaller gain is not worth another checkpoint


class Verdict(NamedTuple):
    """Of one level."""

    helped: bool
    said: str


def verdict(before: Evidence, after: Evidence) -> Verdict:
    """Compare what the same frames say of the network before a level and after it.

    With right images: the depth must agree better with the matcher, and by more than chance, frame
    by frame; or the left image be rebuilt so much better. It must not be rebuilt worse. Without
    right images, or where depth stays relative: the frames must be less strange to the network.
    """
    if after.metric and np.isfinite(before.off_matcher).any():
        nearer = _gain(before.off_matcher, after.off_matcher)
        rebuilt = _gain(before.rebuilt, after.rebuilt)
        worse = _gain(after.rebuilt, before.rebuilt)
        helped = nearer.matters and (nearer.sure or all(rebuilt)) and not all(worse)
        told = "" if before.metric else "beside the plane that suits the matcher best: "
        told += f"{_told('off the matcher', before.off_matcher, after.off_matcher)}, "
        told += _told("re-synthesis error", before.rebuilt, after.rebuilt)
        return Verdict(helped, told)
    if after.metric and np.isfinite(before.rebuilt).any():
        return Verdict(False, "the matcher finds too little in the frames to judge by")
    said = _told("strange to the network", before.strange, after.strange)
    return Verdict(all(_gain(before.strange, after.strange)), said)


class Gain(NamedTuple):
    """Of a mean over frames, which should fall."""

    matters: bool  # it fell by `LEAST` at least
    sure: bool  # it fell by more than chance


def _gain(before: Numbers, after: Numbers) -> Gain:
    gain = before - after
    gain = gain[np.isfinite(gain)]
    if not len(gain):
        return Gain(False, False)
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    enough = LEAST * np.nanmean(np.abs(before))
    return Gain(bool(gain.mean() > enough), bool(gain.mean() > SURE * error))


def _told(what: str, before: Numbers, after: Numbers) -> str:
    return f"{what} {np.nanmean(before):.3f} -> {np.nanmean(after):.3f}"
