"""Follows the camera through a video."""

import logging

import torch
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.video import VideoEndError
from m3depth.progress import progress
from m3depth.reconstruction.followed import K_NUMBERS, Followed, FrameLeftOutError, Step
from m3depth.reconstruction.kept import Kept
from m3depth.reconstruction.motion.contract import MotionSource, Placed
from m3depth.types import PairMotion, StereoBatch

KEPT_EVERY = 25  # frames
FEWEST = 3  # frames
TOLD = 3  # frames that are left out, each in a line of its own

logger = logging.getLogger(__name__)


def follow(
    frames: Dataset[StereoBatch], motion: MotionSource, kept: Kept | None = None
) -> Followed:
    """Go through a video, and go on where an earlier run stopped.

    A frame that cannot be read, is of another size or has no pose is left out with one line: the
    next motion is then from the frame before it. A video that ends early ends there.

    Args:
        frames: In order of time.
        motion: Between two of them.
        kept: Where what is found is kept; None: nowhere.

    Raises:
        DataError: fewer than `FEWEST` frames are left.
    """
    count = len(frames)  # type: ignore[arg-type]  # torch leaves __len__ to map-style sets
    motion.begin(count)
    found = _load(kept)
    steps, skipped = found
    begin = 1 + max([step.place for step in steps] + [int(place) for place in skipped], default=-1)
    before = Placed(steps[-1].place, frames[steps[-1].place]) if steps else None
    told = 0
    for place in progress(range(begin, count), "camera", count - begin):
        try:
            frame = Placed(place, frames[place])
            step = _step(before or frame, frame, motion)
            _require_size(step, steps)
        except VideoEndError as error:
            logger.warning("%s; what is before it is taken", error)
            skipped[str(place)] = str(error)
            break
        except DataError as error:
            if not isinstance(error, FrameLeftOutError):
                _tell(error, told)
                told += 1
            skipped[str(place)] = str(error)
            continue
        steps.append(step)
        before = frame
        if len(steps) % KEPT_EVERY == 0:
            _save(kept, found)
    _save(kept, found)
    if len(steps) < FEWEST:
        why = f"; {next(iter(skipped.values()))}" if skipped else ""
        raise DataError(f"{len(steps)} of {count} frames: a path needs {FEWEST} at least{why}")
    return found


def _tell(error: DataError, told: int) -> None:
    """The first few in full: a folder of which half has another size is one mistake, not many."""
    if told < TOLD:
        logger.warning("skipped: %s", error)
    elif told == TOLD:
        logger.warning("skipped: more frames; reconstruction.json names each with its reason")


def _step(before: Placed, frame: Placed, motion: MotionSource) -> Step:
    """Of the first frame the motion is none, but whether there can be one is found out."""
    found = motion(before, frame)
    first = before is frame
    sample = frame.sample
    rig, pose, time = sample.get("rig"), sample.get("camera_to_world"), sample.get("time_s")
    return Step(
        place=frame.place,
        key=str(sample["key"]),
        time_s=float(frame.place if time is None else time),
        size=size_of(sample["left"]),
        rig=None if rig is None else [float(value) for value in rig],
        true_pose=None if pose is None else pose.double().tolist(),
        motion=torch.eye(4).tolist() if first else found.later_from_earlier[0].double().tolist(),
        cameras=_four(found),
    )


def _four(found: PairMotion) -> list[list[float]] | None:
    if found.cameras is None:
        return None
    numbers = torch.stack(found.cameras[:K_NUMBERS], dim=-1)[0]
    if not bool(numbers.isfinite().all() & (numbers[:, :2] > 0).all()):
        raise DataError("the motion network gives a K that no camera has; its checkpoint is broken")
    return numbers.double().tolist()


def _require_size(step: Step, steps: list[Step]) -> None:
    if steps and step.size != steps[0].size:
        (height, width), (first_height, first_width) = step.size, steps[0].size
        raise DataError(
            f"{step.key}: {width}x{height}, and the first frame is {first_width}x{first_height}: "
            "of another size; give size=[height,width] where only the resolution changed"
        )


def _load(kept: Kept | None) -> Followed:
    content = kept.load() if kept else None
    if content is None:
        return Followed([], {})
    steps = [Step(**one) for one in content["steps"]]
    return Followed(
        [one._replace(size=(one.size[0], one.size[1])) for one in steps], content["skipped"]
    )


def _save(kept: Kept | None, found: Followed) -> None:
    if kept:
        kept.save({"steps": [step._asdict() for step in found.steps], "skipped": found.skipped})
