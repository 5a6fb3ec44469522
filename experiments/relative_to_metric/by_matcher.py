"""(b) begins here: the two numbers of a relative network that a matcher finds on built-in pairs.

python experiments/relative_to_metric/by_matcher.py CHECKPOINT PAIRS

prints them as the overrides of network=by_rig.
"""

import sys

from m3depth.anchors.anchors import Anchors
from m3depth.anchors.fit import fit
from m3depth.anchors.in_frames import from_pair
from m3depth.data.synthetic import SyntheticPairs
from m3depth.sources.checkpoint import network_source


def main(checkpoint: str, count: int) -> str:
    """Inverse depth times focal length and baseline is disparity."""
    source = network_source(checkpoint, flip=True)
    pairs = SyntheticPairs("train", count, source.size)
    samples = [pairs[index] for index in range(count)]
    found = [from_pair(source([one])[0], one, alone=False) for one in samples]
    line = fit(Anchors.joined(part for one in found for part in one), with_shift=True).line
    rig, width = samples[0]["rig"], samples[0]["left"].shape[-1]
    of_width = float(rig.fx * rig.baseline_mm) / width
    infinity = float(rig.principal_offset) / width
    return f"network.scale={line.scale * of_width} network.shift={line.shift * of_width + infinity}"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1], int(sys.argv[2])) + "\n")
