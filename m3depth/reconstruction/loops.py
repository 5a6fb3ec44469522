"""Places that the camera sees again: the motion between frames that are far apart in time."""

import logging
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float64
from numpy.typing import NDArray
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.evaluation.point_sample import evenly
from m3depth.imaging.bytes import to_picture
from m3depth.matching.features import Features, features, match
from m3depth.matching.grey import Grey, grey
from m3depth.priors.made import at_image
from m3depth.progress import progress
from m3depth.reconstruction.followed import Followed
from m3depth.reconstruction.unit import Unit, in_unit
from m3depth.sources.source import Source
from m3depth.types import Kind, StereoBatch, Track

KEYFRAMES = 30  # looked at: the pairs among them grow with the square
POINTS = 600  # of a frame
ALIKE = 0.5  # least correlation of two small pictures of one place
SMALL = (16, 12)  # their width and height
AGREE = 25  # points of one rigid motion, at least, and
AGREE_SHARE = 0.4  # of those that were matched
OFF_PX = 0.01  # share of the width that a point may be off

logger = logging.getLogger(__name__)


class Loop(NamedTuple):
    """A motion between two frames of the track. Plain numbers, as JSON keeps them."""

    earlier: int
    later: int
    motion: list[list[float]]  # points of the earlier camera into the later one's
    points: int  # that agree on it


class Keyframe(NamedTuple):
    """What a frame is recognised by."""

    place: int  # in the track
    small: Float64[NDArray[np.float64], "12 16"]
    found: Features
    places: Float64[NDArray[np.float64], "n 3"]  # of the features, in the camera's frame
    known: Bool[NDArray[np.bool_], " n"]


@torch.inference_mode()
def find_loops(
    frames: Dataset[StereoBatch], followed: Followed, track: Track, source: Source, unit: Unit
) -> list[Loop]:
    """Match keyframes between which the camera was elsewhere, and solve for its motion.

    By points of known depth: perspective-n-point with RANSAC (Fischler and Bolles 1981), so that
    what moved, or was matched wrongly, is left out.

    Args:
        frames: The video.
        followed: The frames that are used.
        track: K of each of them.
        source: Of the depth.
        unit: Of the depth.
    """
    seen: list[Keyframe] = []
    for index in progress(evenly(len(followed.steps), KEYFRAMES).tolist(), "looking for loops"):
        try:
            sample = frames[followed.steps[index].place]
            seen.append(_keyframe(index, sample, track, source, unit))
        except DataError as error:
            logger.warning("no loop from here: %s", error)
    pairs = [(a, b) for a in seen for b in seen if _returns(a, b, seen)]
    loops = (_loop(a, b, track) for a, b in pairs)
    return [loop for loop in loops if loop is not None]


def _returns(earlier: Keyframe, later: Keyframe, seen: list[Keyframe]) -> bool:
    """Whether the camera went away in between, and came back."""
    between = (one for one in seen if earlier.place < one.place < later.place)
    away = any(not _alike(earlier.small, one.small) for one in between)
    return away and _alike(earlier.small, later.small)


def _keyframe(
    place: int, sample: StereoBatch, track: Track, source: Source, unit: Unit
) -> Keyframe:
    shown = grey(to_picture(sample["left"]))
    found = features(shown)
    found = Features(found.points_px[:POINTS], found.descriptors[:POINTS])
    whole = at_image(in_unit(source([sample])[0], unit), shown.shape[:2]).to(Kind.DEPTH)
    depth = whole.depth_mm()[0, 0].double().numpy()
    x, y = np.rint(found.points_px).astype(int).T.reshape(2, -1)
    z = depth[y.clip(0, depth.shape[0] - 1), x.clip(0, depth.shape[1] - 1)]
    rays = np.concatenate([found.points_px, np.ones((len(x), 1))], axis=1)
    places = rays @ np.linalg.inv(_matrix(track, place)).T * z[:, None]
    return Keyframe(place, _small(shown), found, places, z > 0)


def _small(shown: Grey) -> Float64[NDArray[np.float64], "12 16"]:
    values = cv2.resize(shown, SMALL, interpolation=cv2.INTER_AREA).astype(np.float64)
    off = values - values.mean()
    return np.asarray(off / max(float(np.linalg.norm(off)), 1e-9), np.float64)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return float((one * other).sum()) >= ALIKE


def _loop(earlier: Keyframe, later: Keyframe, track: Track) -> Loop | None:
    found = Features(earlier.found.points_px, earlier.found.descriptors).where(earlier.known)
    matched = match(found, later.found)
    if len(matched.left_px) < AGREE:
        return None
    order = {tuple(point): i for i, point in enumerate(found.points_px.tolist())}
    rows = [order[tuple(point)] for point in matched.left_px.tolist()]
    places = np.ascontiguousarray(earlier.places[earlier.known][rows])
    pixels = np.ascontiguousarray(matched.right_px, np.float64)
    K = _matrix(track, later.place)
    off_px = OFF_PX * 2 * K[0, 2]
    cv2.setRNGSeed(0)
    solved, turn, shift, inside = cv2.solvePnPRansac(
        places,
        pixels,
        K,
        np.zeros(4),
        iterationsCount=500,
        reprojectionError=off_px,
        confidence=0.999,
        flags=cv2.SOLVEPNP_EPNP,
    )
    agree = 0 if not solved or inside is None else len(inside)
    if agree < AGREE or agree < AGREE_SHARE * len(pixels):
        return None
    rows = inside[:, 0].tolist()
    turn, shift = cv2.solvePnPRefineLM(places[rows], pixels[rows], K, np.zeros(4), turn, shift)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = cv2.Rodrigues(turn)[0], shift[:, 0]
    return Loop(earlier.place, later.place, motion.tolist(), agree)


def _matrix(track: Track, index: int) -> Float64[NDArray[np.float64], "3 3"]:
    return np.asarray(track.cameras.matrix()[index].double().numpy(), np.float64)
