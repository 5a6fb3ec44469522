"""How well K of built-in clips is solved for, frame by frame, as JSON.

python experiments/video/lens.py [split=val] [indices=0,1,2,3] [every=2]

Every ``every``-th of 41 frames, pairs of frames 2, 4 and 8 apart; disparity exact or a matcher's;
the lens by optical flow alone or directly. Focal length: mean and deviation of the error, share.
"""

import json
import sys

import torch

from m3depth.data.ignore import Highlights
from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.geometry.zoom_bundle import Bundle
from m3depth.matching.clip_lens import ClipViews, lens_of_clip, lens_of_flow, matched_views
from m3depth.systems.frame_lens import FAINT

FRAMES, SIZE = 41, (192, 256)


def measure(split: str, index: int, every: int) -> list[dict[str, object]]:
    """One clip, as `data=zooming_clip` has it."""
    path = Moving(zoom=(0.3, 0.3))
    clip = SyntheticClip(split, index, FRAMES, SIZE, path=path, deforming=False, tools=False)
    frames = [clip[number] for number in range(0, FRAMES, every)]
    left, right, depth_mm = (
        torch.stack([frame[name] for frame in frames]) for name in ("left", "right", "depth_mm")
    )
    fx, baseline, offset = (
        torch.stack([getattr(frame["rig"], name) for frame in frames])
        for name in ("fx", "baseline_mm", "principal_offset")
    )
    misleading = Highlights(contrast=FAINT)({"left": left})[:, 0]
    exact = ClipViews(left, (fx * baseline)[:, None, None] / depth_mm[:, 0], ~misleading)
    seen = {"exact": exact, "matched": matched_views(left, right, offset, misleading)}
    apart = sorted({max(1, k // every) for k in (2, 4, 8)})
    found = []
    for name, views in seen.items():
        by_flow = lens_of_flow(views, apart)
        directly = lens_of_clip(views, apart)
        for way, lens in (("flow", by_flow), ("direct", directly)):
            scores = {"split": split, "index": index, "disparity": name, "by": way}
            found.append(scores | errors(lens, fx, frames[0]["rig"].cx, frames[0]["rig"].cy))
    return found


def errors(lens: Bundle, fx: torch.Tensor, cx: torch.Tensor, cy: torch.Tensor) -> dict[str, float]:
    """Of all frames; the principal point in pixels."""
    off = lens.focal / fx.double() - 1
    centre = lens.centre - torch.stack([cx, cy]).double()
    return {
        "focal_bias": float(off.mean()),
        "focal_sd": float(off.std()),
        "cx_px": float(centre[0]),
        "cy_px": float(centre[1]),
        "aspect": float(lens.log_aspect.exp() - 1),
    }


def main() -> None:
    """See the module."""
    torch.set_num_threads(1)
    given = dict(one.split("=") for one in sys.argv[1:])
    split, every = given.get("split", "val"), int(given.get("every", "2"))
    indices = map(int, given.get("indices", "0,1,2,3").split(","))
    json.dump([row for one in indices for row in measure(split, one, every)], sys.stdout, indent=1)


if __name__ == "__main__":
    main()
