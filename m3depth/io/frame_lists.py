"""Frame numbers: in our own short notation, and in published lists."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from m3depth.errors import DataError

RUN = re.compile(r"(\d+)(?:-(\d+)(?:/(\d+))?)?")  # 7, 7-12 or 7-31/8, ends included
LINE = re.compile(r"dataset_?(\d+)/keyframe_?(\d+)\s+(\d+)\s+l\s*$")


def parse_numbers(spelled: str, first: int, where: str) -> tuple[int, ...]:
    """0-based numbers from "2-10/4 15", where ``first`` is the number of a video's first frame.

    Raises:
        DataError: Not such a list, or a number below ``first`` or twice.
    """
    numbers: list[int] = []
    for word in spelled.split():
        run = RUN.fullmatch(word)
        if run is None:
            raise DataError(f"{where}: {word!r} is not a frame or a run such as 2-10/4")
        start, stop, step = int(run[1]), int(run[2] or run[1]), int(run[3] or 1)
        numbers += range(start - first, stop - first + 1, step)
    if not numbers or sorted(set(numbers)) != numbers or numbers[0] < 0:
        raise DataError(f"{where}: frames must ascend from {first}, each once: {spelled[:40]}")
    return tuple(numbers)


def read_list(
    path: Path, published: Mapping[str, Any], first: int | None
) -> dict[str, tuple[int, ...]]:
    """The user's copy of a published list, with lines such as ``dataset3/keyframe4 390 l``.

    Args:
        path: The list; folders may precede "dataset" in its lines, "_" may follow it.
        published: What is known of it: ``frames``, how many; ``videos``, of which; optionally
            ``keyframes_from_1``, the datasets whose folders keyframe_0, 1, ... it calls 1, 2, ...
        first: The number of a video's first frame. None: the least number in the list, which
            must then be 0 or 1.

    Returns:
        0-based numbers in ascending order by video.

    Raises:
        DataError: Unreadable, a line of another form, or not the published frames.
    """
    found: dict[str, list[int]] = {}
    for place, line in enumerate(_lines(path), 1):
        match = LINE.search(line)
        if match is None:
            raise DataError(
                f"{path}, line {place}: {line[:40]!r} is not 'dataset3/keyframe4 390 l'"
            )
        video = _folder(int(match[1]), int(match[2]), published.get("keyframes_from_1", ()))
        found.setdefault(video, []).append(int(match[3]))
    numbers = {number for listed in found.values() for number in listed}
    start = min(numbers, default=0) if first is None else first
    count = sum(len(set(listed)) for listed in found.values())
    if count != published["frames"] or sum(map(len, found.values())) != count:
        raise DataError(f"{path}: {count} different frames; published are {published['frames']}")
    if found.keys() != set(published["videos"]) or min(numbers) < start or start > 1:
        raise DataError(f"{path}: not the published videos and frames; download the list again")
    return {video: tuple(sorted(n - start for n in found[video])) for video in sorted(found)}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def _folder(dataset: int, keyframe: int, from_1: Collection[int]) -> str:
    return f"dataset_{dataset}/keyframe_{keyframe - 1 if dataset in from_1 else keyframe}"
