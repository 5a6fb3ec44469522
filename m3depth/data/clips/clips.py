"""The data set of clips."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from m3depth.data.clips.faults import borders, faults, short
from m3depth.data.clips.survey import Choice, Survey, survey
from m3depth.data.fields import collate
from m3depth.data.own_size import ReadAtSize, at_own_size, frames_of
from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import ConfigError, DataError
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.validation import require_number


class Clips(ReadAtSize):
    """Clips of ``length`` frames of one shot, in the order of time; the middle one is the target.

    Each frame of a clip is the one before's neighbour, by optical flow (`Choice`). A sample is a
    `StereoBatch` whose tensors begin with the clip's dimension t; ``key`` is the target's, and a
    field that one of the frames lacks is absent. A black border that all frames of a video have is
    marked in ``ignore``. Clips follow each other along a shot, so that a video is decoded onwards.
    """

    def __init__(
        self,
        frames: Dataset[StereoBatch],
        found: Survey,
        length: int = 3,
        at_most: int | None = None,
    ) -> None:
        """Make the list of clips.

        Args:
            frames: Single frames in order; the folder of a frame's key is its video.
            found: Of these frames.
            length: Frames in a clip, odd.
            at_most: So many clips, spread evenly over all; None is all.

        Raises:
            ConfigError: no such length, or no clips.
        """
        require_number("length", length, 3, whole=True)
        if length % 2 == 0:
            raise ConfigError(f"length={length}: a clip has a middle frame: give an odd number")
        self.frames, self.found, self.length, self.at_most = frames, found, length, at_most
        self.clips = list(_along_shots(found, length))
        if at_most is not None:
            require_number("at_most", at_most, 1, whole=True)
            kept = min(at_most, len(self.clips))
            self.clips = [self.clips[n * len(self.clips) // kept] for n in range(kept)]
        self._kept: OrderedDict[int, StereoBatch] = OrderedDict()  # of the clip before

    @classmethod
    def of(
        cls,
        frames: Dataset[StereoBatch],
        length: int = 3,
        flow_px: Sequence[float] = (2.0, 20.0),
        reach: int = 16,
        at_most: int | None = None,
        workers: int = 0,
        remembered: Path | None = None,
    ) -> Self:
        """Look at all frames, say what is wrong with them, and make clips of the others.

        Args:
            frames: See above.
            length: See above.
            flow_px: Least and most median flow from a frame to its neighbour, in pixels of the
                images that ``frames`` gives.
            reach: So many frames ahead a neighbour is sought.
            at_most: See above.
            workers: Processes that read the frames when they are looked at.
            remembered: The file that keeps, or will keep, what was found; None keeps nothing.

        Raises:
            ConfigError: no such range, reach or length.
            DataError: see above.
        """
        width = SkipUnreadable(frames)[0]["left"].shape[-1]
        choice = _choice(flow_px, reach, width)

        def look() -> Survey:
            return survey(at_own_size(frames), choice, workers)

        found = Survey.kept_in(remembered, look) if remembered else look()
        clips = cls(frames, found, length, at_most)
        used = {number for clip in _along_shots(found, length) for number in clip}
        lines = faults(found, choice, width) + short(found, used, length)
        if not clips.clips:
            raise DataError(f"no clip of {length} frames: {'; '.join(lines)}")
        for line in [*lines, *borders(found)]:
            warn_once(line)
        return clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> StereoBatch:
        """One clip; raises `DataError` when a frame of it is missing or unreadable."""
        if index >= len(self):
            raise IndexError(index)
        clip = self.clips[index]
        samples = [self._frame(number) for number in clip]
        fields = cast(dict[str, Any], collate(samples, needs=(), labels=True))
        if self.found.borders:
            fields["ignore"] = torch.stack(
                [_ignored(self.found, number, s) for number, s in zip(clip, samples, strict=True)]
            )
        fields["key"] = samples[self.length // 2]["key"]
        return cast(StereoBatch, fields)

    def _frame(self, number: int) -> StereoBatch:
        """Clips that follow each other share frames."""
        if number not in self._kept:
            self._kept[number] = self.frames[number]
            while len(self._kept) > self.length:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict()}

    def at_own_size(self) -> Self:
        """See `ReadAtSize`."""
        return type(self)(at_own_size(self.frames), self.found, self.length, self.at_most)

    def singly(self) -> Dataset[StereoBatch]:
        """See `ReadAtSize`."""
        return self.frames

    def places(self) -> list[str]:
        """Of all frames that are in a clip, each once: of sources is learned, too."""
        frames = frames_of(self.frames)
        used = sorted({number for clip in self.clips for number in clip})
        return [frames[number] for number in used] if frames else []


def _choice(flow_px: Sequence[float], reach: int, width: int) -> Choice:
    require_number("reach", reach, 1, 64, whole=True)
    if len(flow_px) != 2:
        raise ConfigError(f"flow_px={list(flow_px)}: expected [least, most]")
    require_number("flow_px", flow_px[0], 0)
    require_number("flow_px", flow_px[1], flow_px[0])
    return Choice(flow_px[0] / width, flow_px[1] / width, reach)


def _along_shots(found: Survey, length: int) -> Iterator[list[int]]:
    """Every clip, each followed by the one that begins at its second frame, if that is new."""
    done: set[int] = set()
    for start in range(len(found.later)):
        first = start
        while first >= 0 and first not in done:
            done.add(first)
            clip = [first]
            while len(clip) < length and found.later[clip[-1]] >= 0:
                clip.append(int(found.later[clip[-1]]))
            if len(clip) == length:
                yield clip
            first = int(found.later[first])


def _ignored(found: Survey, number: int, sample: StereoBatch) -> Bool[Tensor, "v h w"]:
    """The border at the sample's size, and what it ignores itself."""
    views, size = 2 if "right" in sample else 1, sample["left"].shape[-2:]
    nothing = torch.zeros(views, *size, dtype=torch.bool)
    own = sample.get("ignore", nothing)
    if found.border[number] < 0:
        return own
    outside = torch.from_numpy(np.array(found.borders[str(found.border[number])]))
    return own | (functional.adaptive_max_pool2d(outside.float(), size) > 0)
