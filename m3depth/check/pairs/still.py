"""What stays the same while the picture changes: black borders, overlays, frozen frames."""

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from m3depth.check.finding import Finding, Severity
from m3depth.check.finding_pictures import marked
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled

Mask = Bool[NDArray[np.bool_], "h w"]


def black_borders(
    sampled: Sampled,
    black: int = 12,
    frames: int = 4,
    black_in_one: int = 2,
    warning_share: float = 0.03,
) -> Iterator[Finding]:
    """A dark frame round the picture, or a round picture in a black field.

    Args:
        sampled: The frames that were looked at.
        black: Brightest value of 255 that counts as black, in every frame of a video.
        frames: Fewest frames of a video for `black`; in fewer, a shadow may be as dark.
        black_in_one: The same as `black`, with fewer frames.
        warning_share: Of the picture.
    """
    videos = _videos(sampled)
    limits = [black if len(video) >= frames else black_in_one for video in videos]
    borders = [(video, _border(video, limit)) for video, limit in zip(videos, limits, strict=True)]
    if not borders:
        return
    widest, border = max(borders, key=lambda pair: float(pair[1].mean()))
    share = float(border.mean())
    if share > warning_share:
        yield Finding(
            "black_borders",
            Severity.WARNING,
            f"{share:.1%} of the picture is a black border",
            "crop it off both views alike, or mask it out of the losses",
            {"share": share},
            tuple(frame.key for frame in widest),
            marked(widest[0].left, border),
            "The left picture, its border tinted.",
        )


def _border(frames: list[MeasuredFrame], limit: int) -> Mask:
    """Black in every frame, and connected with the edge of the picture."""
    import cv2

    brightest = np.max([frame.left.max(2) for frame in frames], axis=0)
    black = (brightest <= limit).astype(np.uint8)
    _, label = cv2.connectedComponents(black)
    edge = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    border: Mask = np.isin(label, np.unique(edge[edge > 0]))
    return border


def overlays(
    sampled: Sampled,
    frames: int = 5,
    spread: float = 1.0,
    black: int = 12,
    warning_share: float = 0.002,
    whole_share: float = 0.4,
) -> Iterator[Finding]:
    """Text, logos and menus: pixels that never change while the rest does.

    Args:
        sampled: The frames that were looked at.
        frames: Fewest frames of one video that can show it.
        spread: Standard deviation over the frames, of 255, below which a pixel stands still.
        black: As for `black_borders`; black pixels are no overlay.
        warning_share: Of the picture.
        whole_share: Where more than this stands still, the camera does not move.
    """
    import cv2

    shares = []
    for video in _videos(sampled):
        if len(video) < frames:
            continue
        pile = np.stack([frame.left.mean(2, dtype=np.float32) for frame in video])
        still = (pile.std(0) < spread) & (pile.mean(0) > black)
        whole = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
        shares.append((float(whole.mean()), video, whole > 0))
    if not shares:
        return
    share, video, still = max(shares, key=lambda entry: entry[0])
    if warning_share < share < whole_share:
        yield Finding(
            "overlay",
            Severity.WARNING,
            f"{share:.1%} of the picture never changes over {len(video)} frames",
            "crop the overlay off, or mask it out of the losses: it has no depth",
            {"share": share},
            tuple(frame.key for frame in video),
            marked(video[0].left, still),
            "The left picture, what never changes tinted.",
        )


def frozen_frames(sampled: Sampled, error_share: float = 0.5) -> Iterator[Finding]:
    """Pictures that repeat: a frozen recording, or one view that lags behind the other.

    Args:
        sampled: The frames that were looked at.
        error_share: Of the frames whose next one was read; a view that stands still after so
            many is an error. Less is a warning: the same left picture may well be meant.
    """
    views = [frame for frame in sampled.frames if frame.follows_same]
    lagging = [f for f in views if f.right is not None and len(f.follows_same) == 1]
    if lagging:
        view, followed = min(lagging[0].follows_same), sum(f.followed for f in sampled.frames)
        share = len(lagging) / followed
        yield Finding(
            "frozen_view",
            Severity.ERROR if share > error_share else Severity.WARNING,
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
