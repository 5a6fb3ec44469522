"""What is wrong with a set of videos, each in one line with its count."""

import re
from collections.abc import Set
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from m3depth.data.clips.survey import Choice, Next, State, Survey

LEFT_OUT = {
    State.BLACK: "are black",
    State.INTERLACED: "are interlaced (deinterlace the video: ffmpeg -i IN -vf bwdif OUT)",
    State.REPEATED: "show the frame before once more",
}

ACROSS = "a neighbour is sought across it, by optical flow, and none is made up"


def faults(found: Survey, choice: Choice, width: int) -> list[str]:
    """Lines for the user; none where every frame has a neighbour but the last of its video.

    Args:
        found: of the frames.
        choice: by which neighbours were sought.
        width: of the pictures that clips are made of, in pixels.
    """
    unreadable = found.state == State.UNREADABLE
    lines = [_said(found, unreadable, f"cannot be read: {_first(found.why, unreadable)}; left out")]
    for state, what in LEFT_OUT.items():
        lines.append(_said(found, found.state == state, f"{what}; left out"))
    lines.append(_said(found, found.cut, "begin a new shot; no clip goes across a cut"))
    lines.append(_said(found, found.resized, "change the picture's size; no clip goes across"))
    lines.append(_said(found, _after_gaps(found), "follow a gap in the numbering; " + ACROSS))
    far = f"{choice.least * width:.3g} px within {choice.rungs[-1]} frames"
    still = f"do not move by {far}; left out (flow_px)"
    lines.append(_said(found, found.next == Next.STILL, still))
    most = f"{choice.most * width:.3g} px to the next"
    fast = f"move by more than {most}, or lose it; left out (flow_px)"
    lines.append(_said(found, found.next == Next.FAST, fast))
    return [line for line in lines if line]


def borders(found: Survey) -> list[str]:
    """That parts of the pictures are marked in ``ignore``, where some are."""
    if not found.borders:
        return []
    share = np.mean([mask.mean() for mask in found.borders.values()])
    what = f"have a black border, {share:.0%} of the picture: it is ignored"
    return [_said(found, found.border >= 0, what)]


def short(found: Survey, used: Set[int], length: int) -> list[str]:
    """That shots have no clip, and that not because of one of the `faults`.

    Args:
        found: Of the frames.
        used: Frames that are in a clip.
        length: Of a clip.
    """
    shots = set(found.shot[found.shot >= 0].tolist())
    told = set(found.shot[np.isin(found.next, (Next.STILL, Next.FAST))].tolist())
    lost = shots - told - {int(found.shot[number]) for number in used}
    what = f"are in a shot of less than {length} frames that move far enough; left out"
    return [_said(found, np.isin(found.shot, list(lost)), what)] if lost else []


def _after_gaps(found: Survey) -> npt.NDArray[np.bool_]:
    """Frames whose number is further from the one before's than is usual in their video."""
    after = np.zeros(len(found.key), dtype=np.bool_)
    named = [re.fullmatch(r"(.*?)(\d+)\D*", key) for key in found.key.tolist()]
    known = [(i, m[1], int(m[2])) for i, m in enumerate(named) if m and not found.why[i]]
    steps: dict[str, list[tuple[int, int]]] = {}
    for (one, video, number), (other, same, later) in pairwise(known):
        if video == same and other == one + 1:
            steps.setdefault(video, []).append((other, later - number))
    for each in steps.values():
        usual = int(np.median([step for _, step in each]))
        after[[i for i, step in each if step > usual > 0]] = True
    return after


def _said(found: Survey, which: npt.NDArray[np.bool_], what: str) -> str:
    count = int(which.sum())
    if not count:
        return ""
    return f"{count} of {len(which)} frames, the first {_first(found.key, which)}, {what}"


def _first(values: npt.NDArray[Any], which: npt.NDArray[np.bool_]) -> str:
    return str(values[which][0]) if which.any() else ""
