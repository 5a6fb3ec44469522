"""(a), (b) A relative network made metric by few frames, with zooms of pictures without labels.

python experiments/relative_to_metric/few_labels.py CHECKPOINT MADE [FRAMES [ZOOMED [SEEN_BY]]]

The head `FrameScale` in closed form: ridge regression of each frame's log mean inverse depth on its
pooled features. Beside the FRAMES of known depth, pictures without any say how the features change
with the distance: seen k times as large, a scene is k times as near. SEEN_BY is whose the known
depth is: `labels` (a) or `pairs` (b), which a stereo matcher looks at. MADE is where the metric
network is written to, a checkpoint like those of `m3depth train`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.adaptation.model import Adaptable, Model
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.zoom import middle
from m3depth.networks.finest import Finest
from m3depth.networks.heads.by_frame import EPS, FrameScale
from m3depth.networks.metric import Metric
from m3depth.networks.trained import load_model
from m3depth.sources.exact import ExactSource
from m3depth.sources.stereo import StereoSource
from m3depth.types import DepthMap, Kind, StereoBatch

ZOOMS = (1.15, 1.3)
SHARE = 0.1  # how much an equation of a zoom counts, one of a label 1
STEPS = 20  # of mean and contrast in turn; where all pixels are known one is enough
RIDGE = 1e-3  # share of the features' own variance; both were chosen on seed 0


def main(
    checkpoint: str, made: str, frames: int = 24, zoomed: int = 480, seen_by: str = "labels"
) -> dict[str, float]:
    """Mean errors on unseen scenes, in mm, and how much the scale varies over frames."""
    source = {"labels": ExactSource, "pairs": StereoSource}[seen_by]()
    trained = load_model(checkpoint)
    network = Metric(trained.network.network, FrameScale, frozen=True).eval()
    train = SyntheticPairs("train", max(frames, zoomed), trained.size)
    with torch.inference_mode():
        known = [source([train[index]])[0].to(Kind.INVERSE_DEPTH) for index in range(frames)]
        fit(network, train, known, zoomed)
    save(network, Path(checkpoint), Path(made))
    found = {seen_by: float(frames), "zoomed": float(zoomed)}
    for split, count in (("val", 24), ("test", 64)):
        found |= scored(Finest(network, flip=True), split, count, trained.size)
    return found


def save(network: Metric, relative: Path, path: Path) -> None:
    """In the place of the relative network, whose frames it has learned from."""
    old = Adaptable.read(relative)
    head = {"_target_": f"{FrameScale.__module__}.FrameScale", "_partial_": True}
    made_by = f"{Metric.__module__}.Metric"
    options = {"_target_": made_by, "network": old.model.options["network"], "head": head}
    old.write(path, Model(network, {**options, "frozen": True}), None, [], set())


def fit(
    network: Metric, train: Dataset[StereoBatch], known: Sequence[DepthMap], zoomed: int
) -> None:
    """Set the head's numbers from the inverse depth of the first frames, where it is known."""
    labels = len(known)
    plain = torch.cat([features(network, train[index]) for index in range(max(labels, zoomed))])
    mean, variance = plain.mean(0), plain.var(0)

    def unit(found: Tensor) -> Tensor:
        return (found - mean) / (variance + EPS).sqrt() / found.shape[1] ** 0.5

    means, contrast = told(network, train, known)
    target, usual = means.log(), unit(plain[:labels]).mean(0)
    rows, wanted = [unit(plain[:labels]) - usual], [target - target.mean()]
    for zoom in ZOOMS if zoomed else ():
        near = torch.cat([features(network, train[index], zoom) for index in range(zoomed)])
        rows.append(SHARE * (unit(near) - unit(plain[:zoomed])))
        wanted.append(SHARE * torch.full((zoomed,), zoom).double().log())
    equations, right = torch.cat(rows), torch.cat(wanted)
    penalty = RIDGE * torch.eye(len(equations)).double()
    weight = equations.T @ torch.linalg.solve(equations @ equations.T + penalty, right)
    head = network.head
    head.usual.running_mean.copy_(mean)
    head.usual.running_var.copy_(variance)
    head.to_log_mean.weight.copy_(weight[None])
    head.to_log_mean.bias.copy_(target.mean() - usual @ weight)
    head.log_contrast.copy_(contrast.log())


def features(network: Metric, sample: StereoBatch, zoom: float = 1.0) -> Tensor:
    """Of the picture and its mirror image, their mean."""
    image = middle(sample["left"][None], torch.tensor([1 / zoom]), "bilinear")
    found = network.head.pooled(network.network.decoded(torch.cat([image, image.flip(-1)])))
    return found.double().mean(0, keepdim=True)


def told(
    network: Metric, train: Dataset[StereoBatch], known: Sequence[DepthMap]
) -> tuple[Tensor, Tensor]:
    """Each frame's mean inverse depth, and the contrast of all, by the pixels that are known.

    The relative depth says how much of a frame's mean the known pixels have.
    """
    relative, inverse = [], []
    for index, one in enumerate(known):
        found = network.network.decoded(train[index]["left"][None]).relative.double()
        where = torch.ones_like(one.values).bool() if one.known is None else one.known
        relative.append((found / found.mean() - 1)[where])
        inverse.append(one.values.double()[where])
    contrast, unit = torch.ones(()).double(), torch.cat(relative)
    for _ in range(STEPS):
        pairs = zip(relative, inverse, strict=True)
        means = torch.stack([true.mean() / (1 + contrast * r.mean()) for r, true in pairs])
        true = torch.cat([one / mean - 1 for one, mean in zip(inverse, means, strict=True)])
        contrast = (unit * true).sum() / unit.square().sum()
    return means, contrast


def scored(network: Finest, split: str, count: int, size: tuple[int, int]) -> dict[str, float]:
    """In millimetres, unscaled."""
    frames = SyntheticPairs(split, count, size)
    errors, ratios = [], []
    for index in range(count):
        true = frames[index]["depth_mm"][0]
        found = network(frames[index]["left"][None]).values[0, 0]
        errors.append(float((found - true).abs().mean()))
        ratios.append(float(true.median() / found.median()))
    spread = torch.tensor(ratios)
    return {
        f"{split}_mae_mm": sum(errors) / count,
        f"{split}_scale_varies": float((spread / spread.median()).std(correction=0)),
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    scores = main(given[0], given[1], *map(int, given[2:4]), *given[4:])
    sys.stdout.write(json.dumps(scores, indent=2) + "\n")
