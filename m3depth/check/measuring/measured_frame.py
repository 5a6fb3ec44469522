"""What is measured once on each sampled frame, and read by every check."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from m3depth.check.finding_pictures import matched, side_by_side
from m3depth.check.measuring.dense_disparity import dense_disparity
from m3depth.check.measuring.halves import Halves, find_halves
from m3depth.check.measuring.row_alignment import RowAlignment, align
from m3depth.check.measuring.truth_fit import TruthFit, agreement, fit_truth
from m3depth.imaging.figures import Picture
from m3depth.matching.features import Features, Matches, features, match
from m3depth.matching.grey import grey
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth

Map = Float[NDArray[np.floating], "h w"]
MORE_IN_FRONT = 0.3  # share of matches that swapping must bring before infinity
SIGN_PX = 1.0  # a disparity's sign is trusted beyond this alone
BLANK = 1.0  # of 255: standard deviation over a view below which it shows nothing
SAME_BITS = 0.25  # of 255: mean difference of two views below which they are one picture
ALIKE = 0.3  # correlation with the truth from which the views are in the right order


@dataclass(frozen=True)
class MeasuredFrame:
    """A frame as 8-bit pictures, with what is found in it: computed once, when it is asked for."""

    split: str
    key: str
    left: Picture
    right: Picture | None
    rig: StereoRig
    # at its own resolution; what `mask` leaves out is 0
    depth_mm: Float[NDArray[np.floating], "h_depth w_depth"] | None
    follows_same: frozenset[str] = frozenset()  # views that the next frame repeats exactly
    followed: bool = False  # whether the next frame was looked at
    left_in: float | None = None  # share of the pixels that mask and tools leave; None without

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.left.shape[0], self.left.shape[1]

    @property
    def views(self) -> Picture:
        """The two views side by side, or the only one."""
        return self.left if self.right is None else side_by_side(self.left, self.right)

    @property
    def joined(self) -> Picture:
        """The views with lines between the points that both show."""
        if self.right is None or self.alignment is None:
            return self.views
        return matched(self.left, self.right, self.kept.left_px, self.kept.right_px)

    @cached_property
    def halves(self) -> Halves | None:
        """Which way the left picture is two pictures, if it is."""
        return find_halves(self._features, self.size)

    @cached_property
    def blank(self) -> bool:
        """Whether a view is black, or of one colour."""
        views = [self.left] if self.right is None else [self.left, self.right]
        return any(float(view.std((0, 1)).max()) < BLANK for view in views)

    @cached_property
    def same_view(self) -> bool:
        """Whether both views are one and the same picture."""
        if self.right is None or self.blank:
            return False
        difference = np.abs(self.left.astype(np.int16) - self.right)
        return float(difference.mean()) < SAME_BITS

    @cached_property
    def matches(self) -> Matches:
        """Points found in both views; none for one view, for halves and for equal views."""
        if self.right is None or self.blank or self.same_view or self.halves is not None:
            return Matches(np.empty((0, 2)), np.empty((0, 2)))
        return match(self._features, features(grey(self.right)))

    @cached_property
    def alignment(self) -> RowAlignment | None:
        """How the views' rows lie to each other; None where too little was found."""
        return align(self.matches, *self.size)

    @cached_property
    def kept(self) -> Matches:
        """The matches that agree with the alignment."""
        return self.matches.where(self.alignment.inliers) if self.alignment else self.matches

    @cached_property
    def behind(self) -> float:
        """Share of matches beyond infinity: disparity below the principal points' offset."""
        parallax = self.kept.shift_px[:, 0] - self.offset_px
        return float(np.mean(parallax < -SIGN_PX)) if len(parallax) else 0.0

    @property
    def swapped(self) -> bool:
        """Whether the views are in the wrong order.

        Known depth decides, where there is one. Without it, the right order is the one that puts
        more points nearer than infinity: nothing lies beyond.
        """
        if self.alignment is None:
            return False
        if abs(self.truth_agreement) > ALIKE:
            return self.truth_agreement < 0
        across = self.kept.shift_px[:, 0]
        as_given = np.mean(across - self.offset_px > SIGN_PX)
        exchanged = np.mean(-across - self.offset_px > SIGN_PX)
        return bool(exchanged - as_given > MORE_IN_FRONT)

    @property
    def offset_px(self) -> float:
        """Disparity at infinity."""
        return float(self.rig.principal_offset)

    @cached_property
    def stated_px(self) -> Map | None:
        """Disparity that depth and rig state, at the image's resolution; NaN = unknown."""
        if self.depth_mm is None or not bool(self.rig.calibrated):
            return None
        depth = torch.from_numpy(self.depth_mm)[None, None].float()
        depth = interpolate(depth, self.size, mode="nearest-exact")[0]
        stated = disparity_from_depth(depth, self.rig)[0].numpy()
        return np.where(depth[0].numpy() > 0, stated, np.nan)

    @cached_property
    def truth_agreement(self) -> float:
        """How matched and stated disparity agree, see `agreement`; 0 without a stated one."""
        return 0.0 if self.stated_px is None else agreement(self.stated_px, self.kept)

    @cached_property
    def dense_px(self) -> Map | None:
        """Disparity measured densely, NaN = unknown; None where the rows do not correspond."""
        if self.right is None or self.alignment is None or not self.alignment.level:
            return None
        return dense_disparity(self.left, self.right, self.kept.shift_px[:, 0])

    @cached_property
    def truth_fit(self) -> TruthFit | None:
        """How the depth lies on the pair; None without depth, calibration or the right order."""
        if self.stated_px is None or self.swapped or self.dense_px is None:
            return None
        return fit_truth(self.dense_px, self.stated_px, self.offset_px)

    @cached_property
    def _features(self) -> Features:
        return features(grey(self.left))


def measure(frame: MeasuredFrame, dense: bool = True) -> None:
    """Compute it now, within the time of sampling; dense disparity only if ``dense``."""
    _ = frame.halves, frame.alignment, frame.swapped
    if dense:
        _ = frame.truth_fit
    for large in ("_features", "stated_px", "dense_px"):
        frame.__dict__.pop(large, None)  # computed again if a picture needs it
