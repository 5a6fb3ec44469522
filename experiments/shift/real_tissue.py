"""How well checkpoints order real tissue by distance, beside brightness and the image's row.

python real_tissue.py PAIRS CHECKPOINT ... > real_tissue.json

PAIRS is a folder of rectified pairs (left/, right/). Spearman's rank correlation with the disparity
of a left-right-checked matcher at the pictures' own size, over the pixels that it answers, seen at
`SIZE`; of each pair, and their mean. `mix` is brightness and row, weighted as suits all pairs best
in hindsight, `own_mix` as suits each pair best: nobody knows either without the matcher.
`off` is the mean difference from the matcher's disparity after scale and shift (least squares), as
a share of the mean disparity; of a plane that faces the camera, and of one inclined as suits best.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr, zscore

from m3depth.data.readers.folder import FolderPairs
from m3depth.evaluation.agreement import comparable
from m3depth.io.images import resize_image
from m3depth.matching.sgbm import sgbm
from m3depth.networks.finest import Finest
from m3depth.networks.trained import load_model
from m3depth.types import StereoBatch

SIZE = (128, 160)  # that brightness is seen at: the demo's
ANGLES = np.linspace(0, 2 * np.pi, 72, endpoint=False)
Numbers = NDArray[np.float64]


class Pair(NamedTuple):
    """One pair; all arrays but `known` are of the pixels of `SIZE` that the matcher answers."""

    left: torch.Tensor  # of its own size
    known: NDArray[np.bool_]
    disparity: Numbers
    brightness: Numbers
    row: Numbers
    column: Numbers


def matched(sample: StereoBatch) -> Pair:
    """The matcher's answer, and the two cues."""
    found = sgbm(sample["left"][None], sample["right"][None]).resized(SIZE)
    known = np.ones(SIZE, bool) if found.known is None else found.known[0, 0].numpy()
    row, column = np.indices(SIZE, dtype=float)
    grey = resize_image(sample["left"], SIZE).mean(0).double().numpy()
    disparity = found.values[0, 0].double().numpy()
    seen = (one[known] for one in (disparity, grey, row, column))
    return Pair(sample["left"], known, *seen)


def rank(found: Numbers, pair: Pair) -> float:
    """Spearman's correlation with the matcher's disparity."""
    return float(spearmanr(found, pair.disparity).statistic)


def off(pair: Pair, *cues: Numbers) -> float:
    """How far the best weighted sum of the cues and a constant is from the matcher's disparity."""
    given = np.stack([*cues, np.ones_like(pair.disparity)], 1)
    weights = np.linalg.lstsq(given, pair.disparity, rcond=None)[0]
    return float(np.abs(given @ weights - pair.disparity).mean() / pair.disparity.mean())


def by_network(checkpoint: Path, pairs: list[Pair]) -> dict[str, Any]:
    """Of each pair's left image, averaged with the mirrored one's."""
    model = load_model(checkpoint)
    network = Finest(model.network, flip=True)
    found = [comparable(network(resize_image(p.left, model.size)[None])) for p in pairs]
    maps = [one.resized(SIZE).values[0, 0].double().numpy() for one in found]
    seen = [one[pair.known] for one, pair in zip(maps, pairs, strict=True)]
    both = list(zip(seen, pairs, strict=True))
    return told([rank(*one) for one in both]) | {"off": told([off(p, one) for one, p in both])}


def mixes(pairs: list[Pair]) -> NDArray[np.float64]:
    """Of each pair (rows), brightness and row mixed at each of `ANGLES` (columns)."""
    cues = [(zscore(pair.brightness), zscore(pair.row)) for pair in pairs]
    return np.array(
        [
            [rank(np.cos(a) * bright + np.sin(a) * row, pair) for a in ANGLES]
            for (bright, row), pair in zip(cues, pairs, strict=True)
        ]
    )


def told(ranks: Any) -> dict[str, Any]:
    """Mean and all."""
    every = [round(float(one), 4) for one in ranks]
    return {"mean": round(float(np.mean(ranks)), 4), "pairs": every}


def main(folder: Path, checkpoints: list[Path]) -> dict[str, Any]:
    """Cues first, then the networks."""
    torch.set_num_threads(1)
    frames = FolderPairs(folder, None)
    pairs = [matched(frames[index]) for index in range(len(frames))]
    mixed = mixes(pairs)
    best = int(mixed.mean(0).argmax())
    cues = {
        "brightness": told([rank(pair.brightness, pair) for pair in pairs]),
        "row": told([rank(pair.row, pair) for pair in pairs]),
        "mix": told(mixed[:, best]) | {"angle_deg": round(float(np.degrees(ANGLES[best])), 1)},
        "own_mix": told(mixed.max(1)),
    }
    planes = {
        "facing": told([off(pair) for pair in pairs]),
        "inclined": told([off(pair, pair.row, pair.column) for pair in pairs]),
    }
    networks = {one.name: by_network(one, pairs) for one in checkpoints}
    matched_share = round(float(np.mean([pair.known.mean() for pair in pairs])), 4)
    return {"pairs": len(pairs), "matched": matched_share, "cues": cues, "planes": planes} | {
        "networks": networks
    }


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]]), sys.stdout, indent=1)
