"""How far a camera's estimated path is from the true one."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

SNIPPET = 5  # frames
STILL = 1e-9  # of a path's extent: less is rounding

Points = Float64[NDArray[np.float64], "n 3"]
Poses = Float64[NDArray[np.float64], "n 4 4"]


class Similarity(NamedTuple):
    """``x -> scale · rotation x + translation``."""

    scale: float
    rotation: Float64[NDArray[np.float64], "3 3"]
    translation: Float64[NDArray[np.float64], "3"]

    def apply(self, points: Points) -> Points:
        """Move points."""
        moved: Points = self.scale * points @ self.rotation.T + self.translation
        return moved

    def of_poses(self, camera_to_world: Poses) -> Poses:
        """The cameras in the world that the points are moved to."""
        poses = camera_to_world.copy()
        poses[:, :3, :3] = self.rotation @ camera_to_world[:, :3, :3]
        poses[:, :3, 3] = self.apply(camera_to_world[:, :3, 3])
        return poses


def similarity(points: Points, onto: Points, scaled: bool = True) -> Similarity:
    """What minimises ``Σ |s R p + t - q|²`` over pairs of points (Umeyama 1991, equations 40-42).

    Points in one spot tell neither rotation nor scale, and points on one line leave a turn about it
    open: of the rotations that are as good it is one, and the scale is then 1 where ``points`` do
    not move, 0 where ``onto`` does not.

    Args:
        points: p.
        onto: q.
        scaled: Whether s may differ from 1.
    """
    centre, there = points.mean(0), onto.mean(0)
    p, q = points - centre, onto - there
    left, values, right = np.linalg.svd(q.T @ p)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left * signs @ right
    spread = float((p**2).sum())
    moves = spread > len(p) * (STILL * np.abs(points).max(initial=0.0)) ** 2
    scale = float((values * signs).sum()) / spread if scaled and moves else 1.0
    return Similarity(scale, rotation, there - scale * rotation @ centre)


def score_path(estimated: Poses, true: Poses) -> dict[str, object]:
    """Errors of a path against the true one, frame by frame, in the true one's unit (mm).

    ``ate_mm`` is the absolute trajectory error: the root mean squared distance of the positions
    after the one similarity (``scale`` among it) that fits the whole path best; ``ate_share`` is
    that over the true path's length ``path_mm``; ``ate_unscaled_mm`` leaves the scale as it is, and
    is the only one of them where the true camera stands still.
    ``rotation_deg`` is the error of the rotation from a frame to the next, ``direction_deg`` that
    of the direction of the translation (absent where nothing moves). ``snippets``: see
    `score_snippets`.

    Args:
        estimated: Camera-to-world, any world and scale.
        true: Of the same frames; 2 or more.
    """
    places, there = estimated[:, :3, 3], true[:, :3, 3]
    length = float(np.linalg.norm(np.diff(there, axis=0), axis=1).sum())
    found = similarity(places, there)
    ate = _rms(found.apply(places) - there)
    unscaled = _rms(similarity(places, there, scaled=False).apply(places) - there)
    record: dict[str, object] = {"frames": len(true), "path_mm": length}
    if length <= STILL:  # the best scale would be 0, and every error with it
        return record | {"ate_unscaled_mm": unscaled} | score_steps(estimated, true)
    record |= {"ate_mm": ate, "ate_share": ate / length}
    record |= {"ate_unscaled_mm": unscaled, "scale": found.scale}
    record |= score_steps(estimated, true)
    return record | {"snippets": score_snippets(estimated, true)}


def score_steps(estimated: Poses, true: Poses) -> dict[str, float]:
    """Mean, median and largest error of the motion from each frame to the next, in degrees."""
    theirs, ours = steps(true), steps(estimated)
    turns = rotation_errors_deg(ours, theirs)
    found = {"rotation_deg": float(turns.mean()), "rotation_median_deg": float(np.median(turns))}
    found["rotation_max_deg"] = float(turns.max())
    lengths = [np.linalg.norm(one[:, :3, 3], axis=1) for one in (ours, theirs)]
    moves = (lengths[0] > STILL) & (lengths[1] > STILL)
    if moves.any():
        one, other = ours[moves, :3, 3], theirs[moves, :3, 3]
        # the arc cosine alone would lose half the digits of a small angle
        sine = np.linalg.norm(np.cross(one, other), axis=1)
        angle = np.degrees(np.arctan2(sine, (one * other).sum(1)))
        found["direction_deg"] = float(angle.mean())
    return found


def score_snippets(estimated: Poses, true: Poses) -> dict[str, float]:
    """The error of short pieces of the path, each from its own first camera and of its own scale.

    As SfMLearner and its followers down to AF-SfMLearner print it: a piece of `SNIPPET` frames
    begins at every frame but the last two (those at the end are shorter), its scale is the least
    squares' one, and its error ``sqrt(Σ e²) / N``: ``ate_over_n``. A root mean squared error would
    be ``sqrt(Σ e² / N)``: ``ate_over_sqrt_n``. Both are means over pieces, with the standard
    deviation of the former. ``rotation_rad`` is the mean angle between both rotations since the
    piece's first camera.
    """
    ends = [(i, min(i + SNIPPET, len(true))) for i in range(max(1, len(true) - 2))]
    pieces = [(_from_first(estimated[i:j]), _from_first(true[i:j])) for i, j in ends]
    errors = [_scaled_error(ours[:, :3, 3], theirs[:, :3, 3]) for ours, theirs in pieces]
    over_n = np.array([error / len(ours) for error, (ours, _) in zip(errors, pieces, strict=True)])
    over_sqrt = [e / np.sqrt(len(ours)) for e, (ours, _) in zip(errors, pieces, strict=True)]
    turns = [float(np.radians(rotation_errors_deg(*pair)).mean()) for pair in pieces]
    return {
        "length": SNIPPET,
        "count": len(pieces),
        "ate_over_n": float(over_n.mean()),
        "ate_over_n_std": float(over_n.std()),
        "ate_over_sqrt_n": float(np.mean(over_sqrt)),
        "rotation_rad": float(np.mean(turns)),
    }


def steps(camera_to_world: Poses) -> Float64[NDArray[np.float64], "n-1 4 4"]:
    """The later camera in the earlier one's frame, for each frame and the next."""
    return np.asarray(np.linalg.inv(camera_to_world[:-1]) @ camera_to_world[1:], np.float64)


def rotation_errors_deg(one: Poses, other: Poses) -> Float64[NDArray[np.float64], " n"]:
    """The angle between the rotations of poses, pair by pair."""
    from scipy.spatial.transform import Rotation

    off = one[:, :3, :3].swapaxes(1, 2) @ other[:, :3, :3]
    angles: NDArray[np.float64] = np.degrees(Rotation.from_matrix(off).magnitude())
    return angles


def _from_first(camera_to_world: Poses) -> Poses:
    return np.asarray(np.linalg.inv(camera_to_world[0]) @ camera_to_world, np.float64)


def _scaled_error(places: Points, there: Points) -> float:
    """The root of the sum of squares, after the least squares' scale about the first camera."""
    spread = float((places**2).sum())
    scale = float((there * places).sum()) / spread if spread > 0 else 1.0
    return float(np.sqrt(((scale * places - there) ** 2).sum()))


def _rms(off: Points) -> float:
    return float(np.sqrt((off**2).sum(1).mean()))
