"""What a video's file says for sure: how many frames, at even times or not, whether it was cut.

FFmpeg, and OpenCV with it, makes up a number from duration and rate where the file states none, and
seeks by time as if all frames were equally long.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

MP4 = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # first boxes of mp4 and mov
EBML = b"\x1a\x45\xdf\xa3"  # webm and mkv
SEGMENT = b"\x18\x53\x80\x67"
AVI_HEADER = 1 << 16  # bytes in which its streams are described
EVEN = 0.3  # of a frame: how far from its place in an even row a frame's time may lie


class Index(NamedTuple):
    """What is sure."""

    frames: int | None = None  # None: nothing that can be relied on
    even: bool = False  # all frames are equally long, so that seeking by time finds them
    cut: bool = False  # the file is shorter than it says


def read_index(path: Path) -> Index:
    """Of an mp4, mov or avi its frames; of these and of webm and mkv whether they were cut."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in MP4:
            return _mp4(file, size)
        if head[:4] == b"RIFF" and head[8:] == b"AVI ":
            return _avi(file, size)
        return Index(cut=head[:4] == EBML and _segment_is_cut(file, size))


def _mp4(file: IO[bytes], size: int) -> Index:
    place, cut, movie = 0, False, b""
    while place + 8 <= size:
        file.seek(place)
        header = file.read(16)
        length, kind, start = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, start = int.from_bytes(header[8:16], "big"), 16
        length = length or size - place  # 0: to the end
        if length < start:
            break
        if kind == b"moov":
            file.seek(place + start)
            movie = file.read(length - start)
        cut |= place + length > size
        place += length
    try:
        frames, even = _frames_of(movie)
    except (IndexError, ValueError):  # a damaged index: FFmpeg says what is wrong with it
        frames, even = None, False
    return Index(frames, even, cut)


def _frames_of(movie: bytes) -> tuple[int | None, bool]:
    """How many frames the first video track has, and whether they are equally long."""
    tracks = [track for kind, track in _boxes(movie) if kind == b"trak"]
    videos = [track for track in tracks if _in(track, b"mdia", b"hdlr")[8:12] == b"vide"]
    if not videos or _in(movie, b"mvex"):  # in fragments: the frames are not in the index
        return None, False
    table = _in(videos[0], b"mdia", b"minf", b"stbl", b"stts")
    runs = np.frombuffer(table, ">u4", 2 * int.from_bytes(table[4:8], "big"), 8).reshape(-1, 2)
    counts, ticks = runs[:, 0].astype(np.int64), runs[:, 1].astype(np.int64)
    frames, length = int(counts.sum()), int((counts * ticks).sum())
    if not frames or not length:
        return None, False
    seconds = length / _ticks_per_s(_in(videos[0], b"mdia", b"mdhd"))
    kept = _kept_s(_in(videos[0], b"edts", b"elst"), _ticks_per_s(_in(movie, b"mvhd")))
    if kept is not None and kept < seconds * (1 - 1.5 / frames):  # players leave some out
        return None, False
    starts = np.cumsum(np.repeat(ticks, counts))[:-1] * frames / length
    return frames, bool(np.abs(starts - np.arange(1, frames)).max(initial=0) < EVEN)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if length < 8:
            return
        yield data[place + 4 : place + 8], data[place + 8 : place + length]
        place += length


def _in(data: bytes, *names: bytes) -> bytes:
    """The content of a box in boxes; empty where there is none."""
    for name in names:
        data = next((content for kind, content in _boxes(data) if kind == name), b"")
    return data


def _ticks_per_s(header: bytes) -> int:
    """Of ``mdhd`` and ``mvhd``, which begin with the same fields."""
    place = 20 if header[0] else 12  # version 1 has longer times
    return max(1, int.from_bytes(header[place : place + 4], "big"))


def _kept_s(edits: bytes, ticks_per_s: int) -> float | None:
    """Seconds of the track that its edit list shows."""
    if not edits:
        return None
    width = 8 if edits[0] else 4
    count, step = int.from_bytes(edits[4:8], "big"), 2 * width + 4
    lengths = [
        int.from_bytes(edits[8 + n * step : 8 + n * step + width], "big") for n in range(count)
    ]
    return sum(lengths) / ticks_per_s or None


def _avi(file: IO[bytes], size: int) -> Index:
    file.seek(0)
    head = file.read(AVI_HEADER)
    cut = int.from_bytes(head[4:8], "little") + 8 > size
    stream = head.find(b"vids")  # of ``strh``: its length in frames is 32 bytes on
    frames = 0 if stream < 0 else int.from_bytes(head[stream + 32 : stream + 36], "little")
    return Index(frames or None, even=True, cut=cut)


def _segment_is_cut(file: IO[bytes], size: int) -> bool:
    file.seek(0)
    head = file.read(1 << 12)
    place = head.find(SEGMENT) + len(SEGMENT)
    if place < len(SEGMENT) or place >= len(head) or not head[place]:
        return False
    width = 9 - head[place].bit_length()
    value = int.from_bytes(head[place : place + width], "big") - (1 << 7 * width)
    unknown = (1 << 7 * width) - 1
    return value != unknown and place + width + value > size
