"""The scale's ledger: what tells the millimetres of a video that is known up to one scale."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.anchors.fit import AnchoredFit
from m3depth.errors import DataError
from m3depth.evaluation.point_sample import evenly
from m3depth.geometry.lamp_scale import Lamp, lamp_scale
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.reconstruction.unit import MEDIAN, Unit
from m3depth.sources.source import Source
from m3depth.types import Kind, StereoBatch, StereoRig, Track

PAIRS = 10  # of frames whose brightness is compared
APART = 6  # frames between them: the lamp must have moved
FEWEST = 4  # pairs; fewer do not say how sure the scale is
LEAST_SHARP = 0.02  # share by which a lamp beside the lens explains the light better
SURE = 1.96  # standard deviations to each side of 95 %


class Millimetres(NamedTuple):
    """How many are in one unit of depth and path, and what is known of that."""

    factor: float
    record: dict[str, Any]  # for `reconstruction.json`

    def instead_of(self, unit: Unit) -> Unit:
        """A unit that was open, closed."""
        return Unit(self.factor, True, self.factor * unit.depth / unit.factor)


def by_anchors(fits: Mapping[str, AnchoredFit], by: str) -> Millimetres:
    """By the one fit of all frames of depth that is known up to scale.

    Args:
        fits: See `m3depth.anchors.find`.
        by: What the anchors are.
    """
    (fit,) = fits.values()
    return Millimetres(1 / fit.line.scale, {"from": by, **fit.record()})


@torch.inference_mode()
def by_lamp(
    lamp: Lamp, source: Source, frames: Dataset[StereoBatch], places: Sequence[int], track: Track
) -> Millimetres:
    """By how the light of a lamp beside the lens falls on what the camera moves past.

    Args:
        lamp: What is known of it.
        source: Of the depth.
        frames: The video.
        places: Of the frames that are used.
        track: The camera at each of them, in the depth's unit.

    Raises:
        DataError: the video is too short, or its light tells no scale.
    """
    apart = min(APART, len(places) - FEWEST)
    if apart < 1:
        raise DataError(f"lamp: {len(places)} frames are too few, {FEWEST + 1} the least")
    here = evenly(len(places) - apart, PAIRS)
    there = here + apart
    samples = [frames[places[int(index)]] for index in here]
    depth = torch.cat([_depth(source, one) for one in samples])
    size = size_of(depth)
    later = [frames[places[int(index)]]["left"] for index in there]
    images = _images([one["left"] for one in samples], size), _images(later, size)
    poses = track.camera_to_world.double()
    motion = (torch.linalg.inv(poses[there]) @ poses[here]).to(depth)
    seen_at = size_of(later[0])
    cameras = _cameras(track, here, seen_at, size), _cameras(track, there, seen_at, size)
    known = depth > 0
    seen = images[0] * known, images[1]  # what is black tells nothing
    start = MEDIAN / float(depth[known].median())
    found = lamp_scale(seen, depth, motion, cameras, lamp, start)
    if not found.sharpness > LEAST_SHARP:
        raise DataError(
            "lamp: the light of this video does not tell its scale (a lamp beside the lens "
            f"explains it {float(found.sharpness):.1%} better than one in it); give anchor= or "
            "pairs="
        )
    factor, wide = float(found.factor), SURE * float(found.deviation)
    interval = [factor * math.exp(-wide), factor * math.exp(wide)]
    told = {"from": "the lamp", "factor": factor, "interval_95": interval}
    return Millimetres(factor, {**told, "sharpness": float(found.sharpness)})


def _depth(source: Source, sample: StereoBatch) -> Float[Tensor, "1 1 h w"]:
    """Up to scale; 0 where it is not known."""
    depth = source([source.ahead(sample)])[0].on("cpu").up_to_scale().to(Kind.DEPTH)
    known = depth.values > 0 if depth.known is None else depth.known & (depth.values > 0)
    return torch.where(known, depth.values, 0.0).float()


def _images(images: Sequence[Tensor], size: tuple[int, int]) -> Float[Tensor, "n 3 h w"]:
    return torch.stack([resize_image(one, size) for one in images])


def _cameras(track: Track, at: Tensor, old: tuple[int, int], new: tuple[int, int]) -> StereoRig:
    return StereoRig(*(value[at].float() for value in track.cameras)).resized(old, new)
