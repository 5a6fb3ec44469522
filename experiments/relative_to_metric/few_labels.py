"""(a) A relative network made metric by a few labels, with zooms of pictures without labels.

python experiments/relative_to_metric/few_labels.py CHECKPOINT MADE [LABELS [ZOOMED]]

The head `FrameScale` in closed form: ridge regression of each frame's log mean inverse depth on its
pooled features. Beside the labelled frames, pictures without any label say how the features change
with the distance: seen k times as large, a scene is k times as near. MADE is where the metric
network is written to, a checkpoint like those of `m3depth train`.
"""

import json
import sys
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
from m3depth.types import StereoBatch

ZOOMS = (1.15, 1.3)
SHARE = 0.1  # how much an equation of a zoom counts, one of a label 1
RIDGE = 1e-3  # share of the features' own variance; both were chosen on seed 0


def main(checkpoint: str, made: str, labels: int = 24, zoomed: int = 480) -> dict[str, float]:
    """Mean errors on unseen scenes, in mm, and how much the scale varies over frames."""
    trained = load_model(checkpoint)
    network = Metric(trained.network.network, FrameScale, frozen=True).eval()
    train = SyntheticPairs("train", max(labels, zoomed), trained.size)
    with torch.inference_mode():
        fit(network, train, labels, zoomed)
    save(network, Path(checkpoint), Path(made))
    found = {"labels": float(labels), "zoomed": float(zoomed)}
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


def fit(network: Metric, train: Dataset[StereoBatch], labels: int, zoomed: int) -> None:
    """Set the head's numbers."""
    plain = torch.cat([features(network, train[index]) for index in range(max(labels, zoomed))])
    mean, variance = plain.mean(0), plain.var(0)

    def unit(found: Tensor) -> Tensor:
        return (found - mean) / (variance + EPS).sqrt() / found.shape[1] ** 0.5

    inverse = torch.stack([1 / train[index]["depth_mm"].double() for index in range(labels)])
    target, usual = inverse.mean((1, 2, 3)).log(), unit(plain[:labels]).mean(0)
    rows, wanted = [unit(plain[:labels]) - usual], [target - target.mean()]
    for zoom in ZOOMS if zoomed else ():
        near = torch.cat([features(network, train[index], zoom) for index in range(zoomed)])
        rows.append(SHARE * (unit(near) - unit(plain[:zoomed])))
        wanted.append(SHARE * torch.full((zoomed,), zoom).double().log())
    known, told = torch.cat(rows), torch.cat(wanted)
    dual = torch.linalg.solve(known @ known.T + RIDGE * torch.eye(len(known)).double(), told)
    weight = known.T @ dual
    head = network.head
    head.usual.running_mean.copy_(mean)
    head.usual.running_var.copy_(variance)
    head.to_log_mean.weight.copy_(weight[None])
    head.to_log_mean.bias.copy_(target.mean() - usual @ weight)
    head.log_contrast.copy_(contrast(network, train, inverse).log())


def features(network: Metric, sample: StereoBatch, zoom: float = 1.0) -> Tensor:
    """Of the picture and its mirror image, their mean."""
    image = middle(sample["left"][None], torch.tensor([1 / zoom]), "bilinear")
    found = network.head.pooled(network.network.decoded(torch.cat([image, image.flip(-1)])))
    return found.double().mean(0, keepdim=True)


def contrast(network: Metric, train: Dataset[StereoBatch], inverse: Tensor) -> Tensor:
    """Least squares over all labelled pixels."""
    images = torch.stack([train[index]["left"] for index in range(len(inverse))])
    relative = network.network.decoded(images).relative.double()
    unit, true = (one / one.mean((2, 3), keepdim=True) - 1 for one in (relative, inverse))
    return (unit * true).sum() / unit.square().sum()


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
    told = main(given[0], given[1], *map(int, given[2:]))
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
