"""One alignment for all frames of a video, found before they are scored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from m3depth.evaluation.alignment import Fit
from m3depth.evaluation.counted import why_left_out
from m3depth.evaluation.protocol import Pairs, Protocol
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.types import DepthMap, Scale, StereoBatch

MOST = 4096  # pixels of a frame that its video's fit sees, evenly spread: memory stays bounded


class _Seen(NamedTuple):
    pairs: Pairs
    relative: bool


def settled(
    protocols: Sequence[Protocol], frames: Iterable[tuple[StereoBatch, DepthMap]]
) -> list[Protocol]:
    """The protocols, with the fits of all videos for those of `Protocol.whole_video`.

    Args:
        protocols: As they were chosen.
        frames: All of the test set's with their depth; not looked at unless a protocol needs them.

    Raises:
        DataError: a protocol aligns no such depth.
    """
    waiting = [one for one in protocols if one.whole_video]
    if not waiting:
        return list(protocols)
    seen: list[defaultdict[str, list[_Seen]]] = [defaultdict(list) for _ in waiting]
    for sample, found in frames:
        truth = Truth.of(as_batch(sample))
        if truth is None or not (truth.depth_mm > 0).any():
            continue
        for protocol, videos in zip(waiting, seen, strict=True):
            if not why_left_out(truth, protocol):
                pairs = _thinned(protocol.pairs(found, protocol.within(truth)))
                relative = found.scale is Scale.UP_TO_SCALE_AND_SHIFT
                videos[truth.video].append(_Seen(pairs, relative))
    fits = iter([_fits(one, videos) for one, videos in zip(waiting, seen, strict=True)])
    return [replace(one, fits=next(fits)) if one.whole_video else one for one in protocols]


def _fits(protocol: Protocol, videos: dict[str, list[_Seen]]) -> dict[str, Fit]:
    return {video: _fit(protocol, frames) for video, frames in videos.items()}


def _fit(protocol: Protocol, frames: Sequence[_Seen]) -> Fit:
    predicted, true = (torch.cat(part) for part in zip(*(one.pairs for one in frames), strict=True))
    return protocol.align_pairs((predicted, true), frames[0].relative)


def _thinned(pairs: Pairs) -> Pairs:
    predicted, true = pairs
    places = torch.linspace(0, max(len(true) - 1, 0), min(MOST, len(true))).round().long()
    return predicted[places], true[places]
