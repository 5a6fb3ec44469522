"""A video looked at before it is followed: one shot, without frames that say nothing."""

import logging
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import adaptive_max_pool2d
from torch.utils.data import Dataset

from m3depth.data.clips.faults import faults
from m3depth.data.clips.flow import moved
from m3depth.data.clips.look import look_at
from m3depth.data.clips.survey import Choice, State, Survey, survey
from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.reconstruction.followed import FrameLeftOutError
from m3depth.types import StereoBatch

ANY_MOTION = Choice(least=0.0, most=1.0, reach=1)  # frames are followed however little they move
STILL = 1.5e-3  # of the width, median flow: what noise in a still picture looks like
LEFT_OUT = {
    State.BLACK: "black",
    State.INTERLACED: "interlaced",
    State.REPEATED: "shows the frame before once more",
}

logger = logging.getLogger(__name__)


class LookedAt(Dataset[StereoBatch]):
    """The frames of one shot, with what lies outside a round picture marked in ``ignore``.

    Attributes:
        left_out: Why a frame is not to be followed, by its place.
    """

    def __init__(self, frames: Dataset[StereoBatch], found: Survey) -> None:
        self.frames, self.found = frames, found
        states = enumerate(found.state.tolist())
        self.left_out = {i: LEFT_OUT[State(s)] for i, s in states if s in LEFT_OUT}

    @classmethod
    def of(cls, frames: Dataset[StereoBatch]) -> "LookedAt":
        """Look at all of them, and say what is wrong.

        Raises:
            DataError: it is cut, or made of several videos.
        """
        found = survey(frames, ANY_MOTION)
        _require_one_shot(found)
        width = frames[int((found.state == State.GOOD).argmax())]["left"].shape[-1]
        for line in [*faults(found, ANY_MOTION, width), _still(frames, found)]:
            if line:
                logger.warning("%s", line)
        return cls(frames, found)

    def __len__(self) -> int:
        return len(self.found.key)

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame; raises DataError where it cannot be read, or is left out."""
        if index in self.left_out:
            raise FrameLeftOutError(f"{self.found.key[index]}: {self.left_out[index]}")
        sample, border = self.frames[index], int(self.found.border[index])
        if border < 0:
            return sample
        outside = torch.from_numpy(self.found.borders[str(border)][:1].copy())
        marked = adaptive_max_pool2d(outside.float(), size_of(sample["left"])) > 0
        own = sample["ignore"][:1] if "ignore" in sample else torch.zeros_like(marked)
        return {**sample, "ignore": marked | own}


def _still(frames: Dataset[StereoBatch], found: Survey) -> str:
    """That nothing moves, neither from frame to frame nor since the first one."""
    good = [int(i) for i in (found.state == State.GOOD).nonzero()[0]]
    steps = found.flow[good][:-1]
    if len(good) < 2 or not np.nanmax(steps, initial=0.0) < STILL:
        return ""
    looks = [look_at(frames[i]) for i in (good[0], good[len(good) // 2], good[-1])]
    first, *later = (look.views[0] for look in looks)
    seen = np.ones(first.shape, dtype=np.bool_)
    if max(moved(first, one, seen).share for one in later) > 3 * STILL:
        return ""
    return (
        f"{len(good)} of {len(found.key)} frames, the first {found.key[good[0]]}, do not move: "
        "the camera stands still, and its path and the surface mean nothing; `m3depth predict` "
        "gives their depth"
    )


def _require_one_shot(found: Survey) -> None:
    readable = [i for i, why in enumerate(found.why.tolist()) if not why]
    folders = [str(found.key[i]).rpartition("/")[0] for i in readable]
    cuts = {int(i) for i in found.cut.nonzero()[0]}
    changes = zip(readable[1:], pairwise(folders), strict=True)
    cuts |= {i for i, (one, other) in changes if one != other}
    if cuts:
        first = min(cuts)
        few = ", ".join(map(str, sorted(cuts)[:5])) + (", ..." if len(cuts) > 5 else "")
        raise DataError(
            f"a new shot begins at frame {few} (counted from the first one taken): a path goes "
            f"through one shot; give count={first} for what is before it, or first= and count= of "
            "another"
        )
