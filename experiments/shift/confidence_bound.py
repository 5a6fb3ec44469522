"""How well does a head rank the same errors that learned from the truth? A mark, not a method.

python experiments/shift/confidence_bound.py CHECKPOINT > confidence_bound.json

The network stays as it is. The head sees what its encoder and decoder know of a frame, and learns
the error in mm from 64 other frames of each of the very sets that it is then asked about.
"""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from confidence import SETS, compared, configured, ranked
from hydra.utils import instantiate
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.evaluation.protocol import Compared
from m3depth.networks.trained import load_model
from m3depth.sources.checkpoint import network_source
from m3depth.sources.network import NetworkSource
from m3depth.types import DepthMap, Kind

OTHERS = "+data.test.seed=1 data.test.count=64"
QUARTER = 2  # of the decoder's blocks, coarsest first
STEPS, BATCH, RATE, DECAY = 600, 16, 1e-3, 1e-2


class Seen(NamedTuple):
    """What the head sees of frames and the error that it is to expect, at a quarter of the size."""

    own: Float[Tensor, "b c h w"]  # of each pixel: features, logarithm of depth
    whole: Float[Tensor, "b n"]  # of the frame: mean and spread of the encoder's features
    error_mm: Float[Tensor, "b 1 h w"]


class Head(nn.Module):
    """The logarithm of the error to expect in mm."""

    def __init__(self, channels: int, pooled: int, width: int = 32) -> None:
        super().__init__()
        own = nn.Conv2d(channels, width, 3, padding=1)
        self.own = nn.Sequential(nn.BatchNorm2d(channels), own)
        whole = nn.Linear(pooled, width)
        self.whole = nn.Sequential(nn.BatchNorm1d(pooled), nn.Dropout(0.5), whole)
        middle, last = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, 1, 1)
        self.last = nn.Sequential(nn.ELU(), middle, nn.ELU(), last)

    def forward(self, seen: Seen) -> Float[Tensor, "b 1 h w"]:
        """At a quarter of the size."""
        found: Tensor = self.last(self.own(seen.own) + self.whole(seen.whole)[:, :, None, None])
        return found


@torch.no_grad()
def looked_at(network: Any, overrides: str, frames: Sequence[Compared]) -> list[Seen]:
    """One by one."""
    images, found = instantiate(configured(overrides).data.test), []
    for index, one in enumerate(frames):
        decoded = network.decoded(images[index]["left"][None])
        features = decoded.blocks[QUARTER]
        depth_mm = functional.interpolate(one.raw_mm.float(), features.shape[-2:], mode="area")
        error_mm = (one.raw_mm - one.truth.depth_mm).abs().float()
        error_mm = functional.interpolate(error_mm, features.shape[-2:], mode="area")
        spread, mean = torch.std_mean(decoded.bottleneck, (2, 3))
        own = torch.cat([features, depth_mm.log()], 1)
        found.append(Seen(own, torch.cat([mean, spread], 1), error_mm))
    return found


def learned(frames: Sequence[Seen]) -> Head:
    """By the likelihood of a Laplace distribution."""
    torch.manual_seed(0)
    every = Seen(*(torch.cat(parts) for parts in zip(*frames, strict=True)))
    head = Head(every.own.shape[1], every.whole.shape[1])
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        drawn = torch.randperm(len(frames))[:BATCH]
        some = Seen(*(part[drawn] for part in every))
        logarithm = head(some)
        loss = (logarithm + some.error_mm / logarithm.exp()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head.eval()


@torch.no_grad()
def told(head: Head, frames: Sequence[Compared], seen: Sequence[Seen]) -> list[Compared]:
    """The frames with the head's expected error in place of the network's own."""
    found = []
    for one, own in zip(frames, seen, strict=True):
        size = one.raw_mm.shape[-2:]
        error = functional.interpolate(head(own), size, mode="bilinear").exp().double()
        found.append(one._replace(seen=DepthMap(one.raw_mm, Kind.DEPTH, error=error)))
    return found


def of_sets(source: NetworkSource, network: Any, more: str = "") -> dict[str, Any]:
    """Each set's frames, and what the head sees of them."""
    found = {}
    for name, overrides in SETS.items():
        frames = compared(source, f"{overrides} {more}")
        found[name] = frames, looked_at(network, f"{overrides} {more}", frames)
    return found


def main(checkpoint: Path) -> dict[str, Any]:
    """Every set, and all of them together, as `confidence` has them."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    network, source = load_model(checkpoint).network, network_source(checkpoint, "cpu", flip=True)
    others = of_sets(source, network, OTHERS)
    head = learned([one for _, seen in others.values() for one in seen])
    asked = of_sets(source, network)
    found = {name: told(head, *both) for name, both in asked.items()}
    sets = {name: ranked(frames) for name, frames in found.items()}
    return {"sets": sets, "together": ranked([one for some in found.values() for one in some])}


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout, indent=1)
