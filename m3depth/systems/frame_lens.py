"""Solves for a `SolvedLens` of all frames of a training's stereo clip."""

import logging
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.data.ignore import Highlights, Ignore
from m3depth.data.own_size import single_frames
from m3depth.errors import ConfigError
from m3depth.matching.clip_lens import lens_of_clip, matched_views
from m3depth.networks.video.solved_lens import SolvedLens
from m3depth.types import StereoBatch

FAINT = 0.1  # contrast of a highlight: weaker ones than a photometric loss minds move K
logger = logging.getLogger(__name__)


@torch.no_grad()
def solve_lens(lens: SolvedLens, ignore: Ignore, clips: Dataset[StereoBatch]) -> None:
    """Fill the lens's table, of a matcher's disparity.

    Nothing of the rig's K is used, but the right view's principal point relative to the left's.

    Args:
        lens: whose table is filled.
        ignore: see `Ignore`.
        clips: of one stereo video.

    Raises:
        ConfigError: the frames are of several videos, or have no right view.
        DataError: they do not tell K.
    """
    frames = _some(clips, lens.most)
    left, right = (torch.stack([frame[n] for frame in frames]) for n in ("left", "right"))
    infinity_px = torch.stack([frame["rig"].principal_offset for frame in frames])
    views = matched_views(left, right, infinity_px, _misleading(frames, ignore, left, right))
    bundle = lens_of_clip(views, lens.apart, lens.every, lens.rounds)
    lens.keep(left, bundle)
    focal = bundle.focal / left.shape[-1]
    least, most = float(focal.min()), float(focal.max())
    line = "K of %d frames: focal length %.4f to %.4f of the width"
    logger.info(line, len(frames), least, most)


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
