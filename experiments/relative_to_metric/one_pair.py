"""(c) One pair of each built-in clip fixes scale and shift: is the clip's truth in the interval?

python experiments/relative_to_metric/one_pair.py CHECKPOINT [CLIPS]
"""

import json
import sys

import numpy as np
import torch

from m3depth.anchors.anchored import AnchoredSource
from m3depth.anchors.anchors import Anchors
from m3depth.anchors.fit import AnchoredFit, fit
from m3depth.anchors.in_frames import from_pair
from m3depth.data.synthetic import SyntheticClip
from m3depth.geometry.affine_fits import scale_and_shift
from m3depth.sources.checkpoint import network_source
from m3depth.sources.source import Source
from m3depth.types import StereoBatch

FRAMES = 4


def main(checkpoint: str, clips: int) -> dict[str, float]:
    """Means over the clips."""
    source = network_source(checkpoint, flip=True)
    rows = [one_clip(source, index) for index in range(clips)]
    told = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {"clips": clips, "frames": FRAMES, **told}


def one_clip(source: Source, index: int) -> dict[str, float]:
    """Fitted to the first frame's pair, asked of all frames."""
    clip = SyntheticClip("test", index, FRAMES, source.size, zoom=False)
    frames = [clip[place] for place in range(FRAMES)]
    first = source([frames[0]])[0]
    found = fit(Anchors.joined(from_pair(first, frames[0], alone=True)), with_shift=True)
    anchored = AnchoredSource(source, {"": found}, "a pair")
    errors = [error_mm(anchored, frame) for frame in frames]
    low, high = found.interval
    true_mm = true_depth_mm(source, frames, found)
    return {
        "mae_mm": float(np.mean(errors)),
        "covered": float(low <= true_mm <= high),
        "half_width": (high - low) / 2 / found.depth_mm,
        "off": abs(true_mm / found.depth_mm - 1),
    }


def error_mm(source: Source, frame: StereoBatch) -> float:
    """Mean over all pixels."""
    return float((source([frame])[0].depth_mm()[0] - frame["depth_mm"]).abs().mean())


def true_depth_mm(source: Source, frames: list[StereoBatch], found: AnchoredFit) -> float:
    """At the fit's middle, by the exact depth of all frames."""
    relative = torch.cat([source([frame])[0].values.flatten() for frame in frames])
    inverse = torch.cat([(1 / frame["depth_mm"]).flatten() for frame in frames])
    return 1 / float(scale_and_shift(relative, inverse)(torch.tensor(found.middle)))


if __name__ == "__main__":
    given = sys.argv[1:]
    said = main(given[0], int(given[1]) if len(given) > 1 else 100)
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
