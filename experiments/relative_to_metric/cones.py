"""Middlebury's Cones of 2003 as a folder of pairs.

python experiments/relative_to_metric/cones.py SCENE FOLDER

Its calibration was never published: the rig is made up, so that only disparities can be compared.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from m3depth.io.files import write_npy, write_png, write_text

FOCAL_PX, BASELINE_MM = 450.0, 5.0
STEPS = 4  # of the disparity in a pixel


def main(scene: Path, folder: Path) -> None:
    """Left, right, true depth and the rig."""
    for name, view in {"im2": "left", "im6": "right"}.items():
        picture = cv2.cvtColor(cv2.imread(str(scene / f"{name}.png")), cv2.COLOR_BGR2RGB)
        write_png(folder / view / "cones.png", picture)
    height, width = picture.shape[:2]
    steps = cv2.imread(str(scene / "disp2.png"), cv2.IMREAD_UNCHANGED).astype(np.float32)
    scale = FOCAL_PX * BASELINE_MM * STEPS
    write_npy(folder / "depth/cones.npy", np.divide(scale, steps, out=0 * steps, where=steps > 0))
    rig = {"fx": FOCAL_PX, "fy": FOCAL_PX, "cx": (width - 1) / 2, "cy": (height - 1) / 2}
    rig |= {"baseline_mm": BASELINE_MM, "width": width, "height": height}
    write_text(folder / "rig.yaml", "".join(f"{key}: {value}\n" for key, value in rig.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
