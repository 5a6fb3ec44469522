"""What stays the same while the picture changes: black borders, overlays, frozen frames."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from m3depth.check.finding import Finding, Severity
from m3depth.check.finding_pictures import marked
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled

Mask = Bool[NDArray[np.bool_], "h w"]


@dataclass(frozen=True)
class BlackBorders:
    """A dark frame round the picture, or a round picture in a black field.

    Args:
        black: Brightest value of 255 that counts as black, in every frame of a video.
        frames: Fewest frames of a video for `black`; in fewer, a shadow may be as dark.
        black_in_one: The same as `black`, with fewer frames.
        warning_share: Of the picture.
    """

    black: int = 12
    frames: int = 4
    black_in_one: int = 2
    warning_share: float = 0.03

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding: the video with the widest border."""
        borders = [(frames, self._border(frames)) for frames in _videos(sampled)]
        if not borders:
            return
        frames, border = max(borders, key=lambda pair: float(pair[1].mean()))
        share = float(border.mean())
        if share > self.warning_share:
            yield Finding(
                "black_borders",
                Severity.WARNING,
                f"{share:.1%} of the picture is a black border",
                "crop it off both views alike, or mask it out of the losses",
                {"share": share},
                tuple(frame.key for frame in frames),
                marked(frames[0].left, border),
                "The left picture, its border tinted.",
            )

    def _border(self, frames: list[MeasuredFrame]) -> Mask:
        """Black in every frame, and connected with the edge of the picture."""
        import cv2

        brightest = np.max([frame.left.max(2) for frame in frames], axis=0)
        limit = self.black if len(frames) >= self.frames else self.black_in_one
        black = (brightest <= limit).astype(np.uint8)
        _, label = cv2.connectedComponents(black)
        edge = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
        border: Mask = np.isin(label, np.unique(edge[edge > 0]))
        return border


@dataclass(frozen=True)
class Overlays:
    """Text, logos and menus: pixels that never change while the rest does.

    Args:
        frames: Fewest frames of one video that can show it.
        spread: Standard deviation over the frames, of 255, below which a pixel stands still.
        black: As for `BlackBorders`; black pixels are no overlay.
        warning_share: Of the picture.
        whole_share: Where more than this stands still, the camera does not move.
    """

    frames: int = 5
    spread: float = 1.0
    black: int = 12
    warning_share: float = 0.002
    whole_share: float = 0.4

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding: the video with the most of it."""
        import cv2

        shares = []
        for frames in _videos(sampled):
            if len(frames) < self.frames:
                continue
            pile = np.stack([frame.left.mean(2, dtype=np.float32) for frame in frames])
            still = (pile.std(0) < self.spread) & (pile.mean(0) > self.black)
            whole = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
            shares.append((float(whole.mean()), frames, whole > 0))
        if not shares:
            return
        share, frames, still = max(shares, key=lambda entry: entry[0])
        if self.warning_share < share < self.whole_share:
            yield Finding(
                "overlay",
                Severity.WARNING,
                f"{share:.1%} of the picture never changes over {len(frames)} frames",
                "crop the overlay off, or mask it out of the losses: it has no depth",
                {"share": share},
                tuple(frame.key for frame in frames),
                marked(frames[0].left, still),
                "The left picture, what never changes tinted.",
            )


@dataclass(frozen=True)
class FrozenFrames:
    """Pictures that repeat: a frozen recording, or one view that lags behind the other.

    Args:
        error_share: Of the frames whose next one was read; a view that stands still after so
            many is an error. Less is a warning: the same left picture may well be meant.
    """

    error_share: float = 0.5

    def __call__(self, sampled: Sampled) -> Iterator[Finding]:
        """At most one finding of each kind."""
        views = [frame for frame in sampled.frames if frame.follows_same]
        lagging = [f for f in views if f.right is not None and len(f.follows_same) == 1]
        if lagging:
            view, followed = min(lagging[0].follows_same), sum(f.followed for f in sampled.frames)
            share = len(lagging) / followed
            yield Finding(
                "frozen_view",
                Severity.ERROR if share > self.error_share else Severity.WARNING,
                f"the {view} view stands still while the other moves on, after {len(lagging)} of "
                f"{followed} frames",
                "take both views of a frame from the same moment: one of them was dropped",
                {"share": share},
                tuple(frame.key for frame in lagging),
                lagging[0].views,
                "The first of two frames of which one view is the same.",
            )
        repeated = [frame for frame in views if frame not in lagging]
        repeated += _twice(sampled.frames)
        if repeated:
            keys = tuple(dict.fromkeys(frame.key for frame in repeated))
            yield Finding(
                "duplicate_frames",
                Severity.WARNING,
                f"{len(keys)} of {len(sampled.frames)} frames are shown again under another name",
                "drop the repeated frames: they weigh some pictures more than others",
                {"share": len(keys) / len(sampled.frames)},
                keys,
                repeated[0].views,
                "A frame that comes again.",
            )


def _twice(frames: list[MeasuredFrame]) -> list[MeasuredFrame]:
    by_bytes: dict[bytes, list[MeasuredFrame]] = defaultdict(list)
    for frame in frames:
        by_bytes[blake2b(frame.views.tobytes()).digest()].append(frame)
    return [frame for same in by_bytes.values() for frame in same[1:]]


def _videos(sampled: Sampled) -> list[list[MeasuredFrame]]:
    videos: dict[str, list[MeasuredFrame]] = defaultdict(list)
    for frame in sampled.frames:
        video = frame.key.rpartition("/")[0]
        videos[f"{video} {frame.size}"].append(frame)
    return list(videos.values())
