"""Which pairs of a folder are kept from training, to be tested on."""

import re
from collections.abc import Sequence

DEFAULT = 0.1  # share of the pairs
FEW = 20  # of so many, too few to learn from or to test on, nothing is held out unless asked


def video_of(name: str) -> str:
    """What a frame's name has before its last number: the same for frames of one video.

    >>> video_of("case1_000012"), video_of("case1-frame0012_left"), video_of("000012")
    ('case1', 'case1-frame', '')
    """
    found = re.match(r"(.*?)[^0-9A-Za-z]*\d+\D*$", name)
    return found[1] if found else name


def held_out(names: Sequence[str], share: float) -> list[str]:
    """About ``share`` of the names, in their order and always the same ones.

    Whole videos, from the last one backwards, where names tell them apart; else the end of the one
    video, where only its first frame is like one that is trained on.

    >>> held_out(["a_1", "a_2", "a_3", "b_1", "b_2", "c_1"], 0.2)
    ['c_1']
    >>> held_out(["a_1", "a_2", "a_3", "b_1", "b_2"], 0.1)
    ['b_1', 'b_2']
    >>> held_out(["0001", "0002", "0003", "0004"], 0.25)
    ['0004']
    """
    wanted = max(1, round(share * len(names)))
    if not share or len(names) < 2:
        return []
    videos: dict[str, list[str]] = {}
    for name in names:
        videos.setdefault(video_of(name), []).append(name)
    if len(videos) in (1, len(names)):  # names tell no video from another
        return list(names[-wanted:])
    kept: set[str] = set()
    for video in reversed(videos.values()):
        if len(kept) + len(video) <= 1.5 * wanted:
            kept.update(video)
        if len(kept) >= wanted:
            break
    if not kept:  # each is longer than asked for: the shortest one
        shortest = min(len(video) for video in videos.values())
        kept.update(next(v for v in reversed(videos.values()) if len(v) == shortest))
    return [name for name in names if name in kept]
