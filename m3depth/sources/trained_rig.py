"""The rig that a network was trained with, beside the one that its images come from."""

from typing import NamedTuple

from m3depth.types.camera import StereoRig

ALIKE = 1.05  # ratio up to which two rigs count as equal


class TrainedRig(NamedTuple):
    """What a network's disparity stands for: fractions of the width, seen by this rig."""

    rig: StereoRig
    size: tuple[int, int]  # (height, width) that it is for

    def difference(self, rig: StereoRig, size: tuple[int, int]) -> str:
        """How another rig differs and what that does to depth, as one line; "" for the same rig.

        Depth is ``b·f`` of the images' rig over the network's disparity. A camera that sees a
        narrower field makes things look nearer, and its ``f`` makes up for that. The baseline is
        never seen in an image: the network's disparity is that of the trained one.

        Args:
            rig: Of the images.
            size: (height, width) that it is for.
        """
        if not (bool(self.rig.calibrated) and bool(rig.calibrated)):
            return ""
        focal, trained_focal = _of_width(rig, size), _of_width(self.rig, self.size)
        length, trained_length = float(rig.baseline_mm), float(self.rig.baseline_mm)
        factor = focal * length / (trained_focal * trained_length)
        other_baseline = _apart(length / trained_length)
        if not other_baseline and not _apart(focal / trained_focal):
            return ""
        line = (
            f"this rig has focal length {focal:.3g} of the width, baseline {length:.4g} mm and f·b "
            f"{focal * length:.3g} mm; the checkpoint's has {trained_focal:.3g}, "
            f"{trained_length:.4g} mm and {trained_focal * trained_length:.3g} mm; depth is "
            f"computed with this rig's f·b, {factor:.3g} times what the checkpoint's would give"
        )
        if other_baseline:
            line += (
                "; an image does not show a baseline: give that of training, baseline_mm: "
                f"{trained_length:.6g}, unless depth is known to be right with this one"
            )
        return line


def _of_width(rig: StereoRig, size: tuple[int, int]) -> float:
    return float(rig.fx) / size[1]


def _apart(ratio: float) -> bool:
    return max(ratio, 1 / ratio) > ALIKE
