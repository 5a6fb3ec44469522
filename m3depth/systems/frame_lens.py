"""Solves for a `SolvedLens` of all frames of a training's stereo clip."""

import logging
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from m3depth.data.ignore import Highlights, Ignore
from m3depth.data.own_size import single_frames
from m3depth.errors import ConfigError
from m3depth.matching.clip_lens import ClipViews, lens_of_clip, matched_views
from m3depth.networks.video.solved_lens import SolvedLens
from m3depth.types import Kind, StereoBatch, StereoRig

FAINT = 0.1  # contrast of a highlight: weaker ones than a photometric loss minds move K
logger = logging.getLogger(__name__)


@torch.no_grad()
def solve_lens(
    lens: SolvedLens, network: nn.Module, ignore: Ignore, clips: Dataset[StereoBatch]
) -> None:
    """Fill the lens's table: the first time of a matcher's disparity, then of the network's.

    Nothing of the rig's K is used, but the right view's principal point relative to the left's.

    Raises:
        ConfigError: the frames are of several videos, or have no right view.
        DataError: they do not tell K.
    """
    frames = _some(clips, lens.most)
    left, right = (torch.stack([frame[n] for frame in frames]) for n in ("left", "right"))
    infinity = torch.stack([frame["rig"].principal_offset for frame in frames])
    misleading = _misleading(frames, ignore, left, right)
    again = int(lens.count) == len(frames)
    if again:
        views = _network_views(lens, network, frames, left, misleading)
    else:
        views = matched_views(left, right, infinity, misleading)
    start = lens.bundle if again else None  # a resumed run has the table, and not the path
    lens.keep(left, lens_of_clip(views, lens.apart, lens.every, lens.rounds, start))
    focal = lens.bundle.focal / left.shape[-1] if lens.bundle else left
    logger.info(
        "K of %d frames, by %s disparity: focal length %.4f to %.4f of the width",
        *(len(frames), "the network's" if again else "a matcher's"),
        *(float(focal.min()), float(focal.max())),
    )


def _some(clips: Dataset[StereoBatch], most: int) -> list[StereoBatch]:
    """Each frame once, in order; of many so many, evenly spread."""
    singly: Any = single_frames(clips)
    by_key: dict[str, StereoBatch] = {}
    for number in range(len(singly)):
        frame = singly[number]
        by_key.setdefault(frame["key"], frame)
    videos = {key.rpartition("/")[0] for key in by_key}
    if len(videos) > 1:
        raise ConfigError(
            f"system.motion.intrinsics: solved for one video's frames, and there are {len(videos)} "
            f"videos ({', '.join(sorted(videos)[:2])}, ...): take one, or "
            "system/intrinsics@system.motion.intrinsics=zoom_lens"
        )
    frames = list(by_key.values())
    if "right" not in frames[0]:
        raise ConfigError(
            "system.motion.intrinsics: solved of stereo clips, and these have no right views: "
            "system/intrinsics@system.motion.intrinsics=zoom_lens"
        )
    kept = min(most, len(frames))
    return [frames[n * len(frames) // kept] for n in range(kept)]


def _misleading(
    frames: list[StereoBatch], ignore: Ignore, left: Tensor, right: Tensor
) -> Bool[Tensor, "n h w"]:
    batch: Any = {"left": left, "right": right}
    marks = Highlights(contrast=FAINT)(batch)[:, 0]
    if all("ignore" in frame for frame in frames):
        batch["ignore"] = torch.stack([frame["ignore"] for frame in frames])
    marked = ignore(batch).get("ignore")
    return marks if marked is None else marks | marked[:, 0]


def _network_views(
    lens: SolvedLens,
    network: nn.Module,
    frames: list[StereoBatch],
    left: Float[Tensor, "n 3 h w"],
    misleading: Bool[Tensor, "n h w"],
) -> ClipViews:
    """The network's inverse depth has learned disparity for the K that the lens had so far."""
    device = lens.looks.device
    training = network.training
    network.eval()
    inverse = [network(one[None].to(device))[0].to(Kind.INVERSE_DEPTH).values for one in left]
    network.train(training)
    images = left.to(device)
    camera: StereoRig = lens(images, images, images.new_zeros(len(images), 0))
    baseline = torch.stack([frame["rig"].baseline_mm for frame in frames]).to(device)
    disparity = torch.cat(inverse)[:, 0] * (camera.fx[:, 0] * baseline)[:, None, None]
    return ClipViews(left, disparity.float().cpu().clamp_min(0.5), ~misleading)
