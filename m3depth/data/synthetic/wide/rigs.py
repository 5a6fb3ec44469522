"""Stereo endoscopes of any make: focal length, baseline and principal points."""

from dataclasses import dataclass

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.tissue_scene import draw_endoscope
from m3depth.data.synthetic.wide.ranges import Between, Ranges
from m3depth.types.camera import StereoRig


@dataclass(frozen=True)
class AnyRig(Ranges):
    """Rigs to mix where depth is relative. Lengths but the baseline in widths of the picture."""

    focal: Between = (0.6, 1.2)
    baseline_mm: Between = (3.5, 6.5)
    off_centre: Between = (-0.06, 0.06)  # of both principal points, to the right and down
    principal_offset: Between = (-0.03, 0.03)  # cx - cx_right

    def drawn(self, draw: Draw, size: tuple[int, int]) -> StereoRig:
        """One rig at a size (height, width), with square pixels."""
        height, width = size
        focal, baseline = draw.within(self.focal).item(), draw.within(self.baseline_mm).item()
        right, down = (width * draw.within(self.off_centre, 2)).tolist()
        half_offset = width * draw.within(self.principal_offset).item() / 2
        cx, cy = (width - 1) / 2 + right, (height - 1) / 2 + down
        return StereoRig.of(
            width * focal, width * focal, cx + half_offset, cy, cx - half_offset, baseline
        )


def known_rig(instrument: Draw, size: tuple[int, int]) -> StereoRig:
    """The rig of `SyntheticPairs`' endoscope of the same seed."""
    return draw_endoscope(instrument).rig(*size)
