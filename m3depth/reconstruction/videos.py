"""The camera of each video of a test set, against what the data know."""

from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset, Subset

from m3depth.errors import DataError
from m3depth.progress import progress
from m3depth.reconstruction.followed import Followed
from m3depth.reconstruction.following import FEWEST, follow
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.reconstruction.scores import score_track
from m3depth.reconstruction.track import track_of
from m3depth.types import StereoBatch, Track


class ScoredVideo(NamedTuple):
    """The camera of a video, as it was found and as the data have it."""

    name: str
    track: Track
    followed: Followed
    scores: dict[str, Any]  # ``trajectory`` and ``intrinsics``, see `score_track`


def score_videos(frames: Dataset[StereoBatch], motion: MotionSource) -> list[ScoredVideo]:
    """Follow each video of which the data know the path; K is scored with it.

    Raises:
        UserError: the motion source's own.
    """
    found = []
    for name, places in _videos(frames).items():
        if len(places) < FEWEST:
            continue
        followed = follow(Subset(frames, places), motion)
        track = track_of(followed)
        found.append(ScoredVideo(name, track, followed, score_track(followed, track)))
    return found


def over_videos(videos: list[ScoredVideo]) -> dict[str, Any]:
    """Each score's mean over the videos that have it; ``videos`` says how many."""
    found: dict[str, Any] = {}
    for kind in ("trajectory", "intrinsics"):
        records = [video.scores[kind] for video in videos if kind in video.scores]
        if records:
            found[kind] = {**_mean(records), "videos": len(records)}
    return found


def _videos(frames: Dataset[StereoBatch]) -> dict[str, list[int]]:
    """The places of the frames with a pose, by the folder of their keys."""
    videos: dict[str, list[int]] = {}
    count = len(frames)  # type: ignore[arg-type]  # torch leaves __len__ to map-style sets
    for place in progress(range(count), "videos", count):
        with suppress(DataError):  # the evaluation of depth has told of it
            sample = frames[place]
            if "camera_to_world" in sample:
                name = str(sample["key"]).rpartition("/")[0]
                videos.setdefault(name, []).append(place)
    return videos


def _mean(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Of numbers, and of what has numbers of its own; counts are added up."""
    found: dict[str, Any] = {}
    for name in {name: None for record in records for name in record}:
        values = [record[name] for record in records if name in record]
        if isinstance(values[0], dict):
            found[name] = _mean(values)
        elif name in ("frames", "count"):
            found[name] = sum(values)
        else:
            found[name] = type(values[0])(np.mean(values))
    return found
