"""Whether a level helped, by frames that it was not adapted to, without labels."""

from typing import NamedTuple

import numpy as np

from m3depth.adaptation.evidence import Evidence, Numbers

SURE = 1.64  # standard errors of the mean over the frames: 95 %, one-sided
LEAST = 0.02  # of what it was: a smaller gain is not worth another checkpoint
TINY = 1e-12
MANY = 99  # standard errors: every frame says the same


class Verdict(NamedTuple):
    """Of one level."""

    helped: bool
    said: str


def verdict(before: Evidence, after: Evidence) -> Verdict:
    """Compare what the same frames say of the network before a level and after it.

    With right images: the depth must agree better with the matcher, and by more than chance, frame
    by frame; or the left image be rebuilt better, too, and both together by more than chance
    (Stouffer's sum of the two, as if they were independent). It must not be rebuilt worse.
    Without right images, or where depth stays relative: the frames must be less strange to the
    network.
    """
    if after.metric and np.isfinite(before.off_matcher).any():
        nearer = _gain(before.off_matcher, after.off_matcher)
        rebuilt = _gain(before.rebuilt, after.rebuilt)
        together = rebuilt.matters and (nearer.errors + rebuilt.errors) / 2**0.5 > SURE
        worse = -rebuilt.mean > LEAST and -rebuilt.errors > SURE
        helped = nearer.matters and (nearer.sure or together) and not worse
        told = "" if before.metric else "beside the plane that suits the matcher best: "
        told += f"{_told('off the matcher', before.off_matcher, after.off_matcher, nearer)}, "
        told += _told("re-synthesis error", before.rebuilt, after.rebuilt, rebuilt)
        return Verdict(helped, told)
    if after.metric and np.isfinite(before.rebuilt).any():
        return Verdict(False, "the matcher finds too little in the frames to judge by")
    usual = _gain(before.strange, after.strange)
    said = _told("strange to the network", before.strange, after.strange, usual)
    return Verdict(usual.matters and usual.sure, said)


class Gain(NamedTuple):
    """Of a mean over frames, which should fall."""

    mean: float  # share of what it was
    errors: float  # the same in standard errors of the mean: chance has 1

    @property
    def matters(self) -> bool:
        """Worth another checkpoint."""
        return self.mean > LEAST

    @property
    def sure(self) -> bool:
        """More than chance."""
        return self.errors > SURE


def _gain(before: Numbers, after: Numbers) -> Gain:
    gain = before - after
    gain = gain[np.isfinite(gain)]
    if len(gain) < 2:
        return Gain(0.0, 0.0)
    error = max(float(gain.std(ddof=1)) / len(gain) ** 0.5, TINY)
    usual = max(float(np.nanmean(np.abs(before))), TINY)
    return Gain(float(gain.mean()) / usual, float(gain.mean()) / error)


def _told(what: str, before: Numbers, after: Numbers, gain: Gain) -> str:
    said = f"{what} {np.nanmean(before):.3f} -> {np.nanmean(after):.3f}"
    return f"{said} ({gain.errors:.1f} standard errors)" if abs(gain.errors) < MANY else said
