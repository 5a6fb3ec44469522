"""What a set must not share between training and test, and SCARED's known-bad parts."""

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.check.finding import Finding, Severity
from m3depth.check.finding_pictures import side_by_side
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled
from m3depth.imaging.figures import Picture
from m3depth.matching.grey import grey

SMALL = (48, 36)  # width, height of what is compared
BAD_SCARED = re.compile(r"(?:^|/)dataset_?([45])/keyframe_?\d")


def training_holds_test(sampled: Sampled, alike: float = 0.95) -> Iterator[Finding]:
    """Test pictures that training has seen.

    The same frame in both is a warning, as it is often meant (a single pair); nearly the same
    picture under another name is an error, as it seldom is.

    Args:
        sampled: The frames that were looked at.
        alike: Correlation of two small pictures without their coarse shading, above which they
            count as nearly the same.
    """
    train, test = (sampled.keys.get(name, []) for name in ("train", "test"))
    same = sorted(set(train) & set(test))
    videos = {key.rpartition("/")[0] for key in train} & {k.rpartition("/")[0] for k in test}
    if same:
        yield Finding(
            "test_is_training",
            Severity.WARNING,
            f"{len(same)} of {len(set(test))} test frames are training frames too",
            "give data.test frames of its own: a score on training frames says nothing of new ones",
            {"share": len(same) / len(set(test))},
            tuple(same),
        )
    elif videos - {""}:
        yield Finding(
            "shared_video",
            Severity.WARNING,
            f"training and test share the video {min(videos)}"
            + (f" and {len(videos) - 1} more" if len(videos) > 1 else ""),
            "split by video, better by animal or patient: frames of one video look alike",
            {"videos": float(len(videos))},
        )
    yield from _near_duplicates(sampled, set(train), set(test), alike)


def _near_duplicates(
    sampled: Sampled, train: set[str], test: set[str], least: float
) -> Iterator[Finding]:
    learned = [frame for frame in sampled.frames if frame.key in train]
    scored = [frame for frame in sampled.frames if frame.key in test - train]
    if not learned or not scored:
        return
    prints = [np.stack([fingerprint(f.left) for f in part]) for part in (scored, learned)]
    alike = prints[0] @ prints[1].T
    close = alike.max(1) > least
    if not close.any():
        return
    row, column = np.unravel_index(int(alike.argmax()), alike.shape)
    yield Finding(
        "near_duplicates",
        Severity.ERROR,
        f"{int(close.sum())} of {len(scored)} test frames look almost like a training frame: "
        f"{scored[row].key} like {learned[column].key}",
        "split by video, not by frame",
        {"correlation": float(alike.max())},
        tuple(frame.key for frame, near in zip(scored, close, strict=True) if near),
        _beside(scored[row], learned[column]),
        "The test frame and the training frame.",
    )


def known_bad_scared(sampled: Sampled) -> Iterator[Finding]:
    """SCARED's datasets 4 and 5, whose calibration and ground truth are known to be wrong."""
    keys = [key for split in sampled.keys.values() for key in split]
    found = {key: match.group(1) for key in keys if (match := BAD_SCARED.search(key))}
    if found:
        sets = ", ".join(f"dataset_{number}" for number in sorted(set(found.values())))
        yield Finding(
            "scared_known_bad",
            Severity.ERROR,
            f"{len(found)} of {len(keys)} frames are of SCARED's {sets}, whose calibration "
            "does not fit",
            "leave dataset_4 and dataset_5 out; keep them only to repeat published numbers",
            {"share": len(found) / len(keys)},
            tuple(found),
        )


def fingerprint(picture: Picture) -> Float[NDArray[np.floating], "n"]:
    """The picture, small, grey, without coarse shading, of unit length."""
    import cv2

    small = cv2.resize(grey(picture).astype(np.float32), SMALL, interpolation=cv2.INTER_AREA)
    fine = (small - cv2.GaussianBlur(small, (0, 0), 3)).ravel()
    length = float(np.linalg.norm(fine))
    return fine / max(length, 1e-6)


def _beside(one: MeasuredFrame, other: MeasuredFrame) -> Picture:
    import cv2

    size = (one.size[1], one.size[0])
    resized = cv2.resize(other.left, size, interpolation=cv2.INTER_AREA)
    return side_by_side(one.left, np.asarray(resized, np.uint8))
