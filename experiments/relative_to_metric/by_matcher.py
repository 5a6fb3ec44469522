"""(b) begins here: the two numbers of a relative network that a matcher finds on pairs.

python experiments/relative_to_metric/by_matcher.py CHECKPOINT PAIRS

prints them as the overrides of network=by_rig. PAIRS is how many built-in ones, `wide:40` for those
of `data=synthetic_wide`, a folder of pairs, or that of a Middlebury 2014 scene.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from m3depth.anchors.anchors import Anchors
from m3depth.anchors.fit import fit
from m3depth.anchors.in_frames import from_pair
from m3depth.data.readers.folder import FolderPairs
from m3depth.data.readers.middlebury import MiddleburyScene
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.wide import WidePairs
from m3depth.sources.checkpoint import network_source
from m3depth.types import StereoBatch


def main(checkpoint: str, asked: str) -> str:
    """Inverse depth times focal length and baseline is disparity."""
    source = network_source(checkpoint, flip=True)
    samples = pairs(asked, source.size)
    found = [from_pair(source([one])[0], one, alone=False) for one in samples]
    line = fit(Anchors.joined(part for one in found for part in one), with_shift=True).line
    rig, width = samples[0]["rig"], samples[0]["left"].shape[-1]
    of_width = float(rig.fx * rig.baseline_mm) / width
    infinity = float(rig.principal_offset) / width
    return f"network.scale={line.scale * of_width} network.shift={line.shift * of_width + infinity}"


def pairs(asked: str, size: tuple[int, int] | None) -> list[StereoBatch]:
    """Built-in ones at ``size``, others at their own."""
    folder = Path(asked)
    if asked.startswith("wide:"):
        found: Sequence[StereoBatch] = WidePairs("train", int(asked.removeprefix("wide:")), size)
    elif asked.isdigit():
        found = SyntheticPairs("train", int(asked), size)
    elif (folder / "calib.txt").exists():
        found = MiddleburyScene(folder, None)
    else:
        found = FolderPairs(folder, None, truth=False)
    return [found[index] for index in range(len(found))]


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1], sys.argv[2]) + "\n")
