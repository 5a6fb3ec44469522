"""Where a video's file is sure of its frames, and where only the decoder knows them."""

import operator
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from m3depth.data.readers.single_views import SingleViews
from m3depth.imaging.bytes import to_picture
from m3depth.io.input_frames import open_frames
from m3depth.io.video import Video, VideoEndError
from m3depth.io.video_index import Index, read_index

COUNT = 47
ESTIMATED = {"webm": "VP80", "mkv": "mp4v", "mpg": "mpg2", "ts": "mp4v"}
SURE = {"mp4": "mp4v", "mov": "mp4v", "avi": "MJPG"}


def numbered(number: int) -> np.ndarray:
    """A frame that shows its number: blocks of light for its binary digits."""
    frame = np.full((64, 96, 3), 40, np.uint8)
    for bit in range(6):
        frame[16:48, bit * 16 : bit * 16 + 16] = 220 if number >> bit & 1 else 40
    return frame


def shown(frame: np.ndarray) -> int:
    return sum(1 << bit for bit in range(6) if frame[32, bit * 16 + 8].mean() > 128)


def film(path: Path, code: str) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 25, (96, 64))
    for number in range(COUNT):
        writer.write(numbered(number))
    writer.release()
    return path


def gif(path: Path) -> Path:
    """Frames of uneven length."""
    frames = [Image.fromarray(numbered(number)) for number in range(COUNT)]
    lengths = [100 if number % 3 else 300 for number in range(COUNT)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=lengths)
    return path


def uneven(path: Path) -> Path:
    """The same mp4, but of its frames ten in the middle are eight times as long."""
    data = path.read_bytes().replace(b"edts", b"free")  # its edit list would cut the end off
    place = data.index(b"stts") - 4
    tick = struct.unpack(">I", data[place + 20 : place + 24])[0]
    runs = [(20, tick), (10, 8 * tick), (COUNT - 30, tick)]
    more = 8 * (len(runs) - 1)
    table = struct.pack(">I4sII", 24 + more, b"stts", 0, len(runs))
    table += b"".join(struct.pack(">II", *run) for run in runs)
    movie = data.index(b"moov") - 4  # behind the frames, so that none of them moves
    longer = bytearray(data[:place] + table + data[place + 24 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = longer.index(box, movie) - 4
        longer[at : at + 4] = struct.pack(">I", struct.unpack(">I", longer[at : at + 4])[0] + more)
    path.write_bytes(bytes(longer))
    return path


@pytest.mark.parametrize("suffix", SURE)
def test_an_index_is_sure(tmp_path: Path, suffix: str):
    path = film(tmp_path / f"a.{suffix}", SURE[suffix])
    assert read_index(path) == Index(COUNT, even=True, cut=False)


@pytest.mark.parametrize("suffix", [*ESTIMATED, "gif"])
def test_where_the_number_is_an_estimate_the_decoders_end_is_the_end(
    tmp_path: Path, suffix: str, caplog
):
    path = tmp_path / f"a.{suffix}"
    path = gif(path) if suffix == "gif" else film(path, ESTIMATED[suffix])
    assert read_index(path) == Index(None, even=False, cut=False)
    frames = list(open_frames(path))
    assert [frame.name for frame in frames] == [f"{number:06d}" for number in range(COUNT)]
    assert [shown(to_picture(frame.image)) for frame in frames] == list(range(COUNT))
    video = Video(path)
    assert len(video) == COUNT
    for number in (30, 31, 5, 46, 0, 20):
        assert shown(video[number]) == number
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_opencv_estimates_wrongly_which_is_why(tmp_path: Path):
    """A film whose number OpenCV makes up: the two tests above would pass without this."""
    capture = cv2.VideoCapture(str(film(tmp_path / "a.mpg", "mpg2")))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) != COUNT


def test_frames_of_a_variable_rate_are_the_ones_that_are_meant(tmp_path: Path):
    path = uneven(film(tmp_path / "a.mp4", "mp4v"))
    assert read_index(path) == Index(COUNT, even=False, cut=False)
    video = Video(path)
    assert len(video) == COUNT
    for number in (40, 3, 25, 24, 46):
        assert shown(video[number]) == number
    assert operator.length_hint(open_frames(path)) == COUNT


def test_a_cut_webm_is_told_after_its_last_frame(tmp_path: Path):
    path = film(tmp_path / "a.webm", "VP80")
    data = path.read_bytes()
    path.write_bytes(data[: int(0.7 * len(data))])
    assert read_index(path).cut
    *frames, end = open_frames(path)
    assert 0 < len(frames) < COUNT
    with pytest.raises(VideoEndError, match=rf"frame {len(frames)} cannot be decoded"):
        _ = end.image
    video = Video(path)
    assert len(video) == len(frames) + 1
    assert shown(video[len(frames) - 1]) == len(frames) - 1
    with pytest.raises(VideoEndError):
        video[len(frames)]


def test_a_cut_mp4_with_its_index_in_front_lacks_frames(tmp_path: Path):
    """`ffmpeg -movflags faststart`: the index says more than there is."""
    data = film(tmp_path / "a.mp4", "mp4v").read_bytes()
    movie = data.index(b"moov") - 4
    frames = data.index(b"mdat") - 4
    longer = bytearray(data[movie:])
    table = longer.index(b"stco") + 8
    count = struct.unpack(">I", longer[table : table + 4])[0]
    for place in range(table + 4, table + 4 + 4 * count, 4):
        old = struct.unpack(">I", longer[place : place + 4])[0]
        longer[place : place + 4] = struct.pack(">I", old + len(longer))
    path = tmp_path / "front.mp4"
    whole = data[:frames] + bytes(longer) + data[frames:movie]
    path.write_bytes(whole)
    assert read_index(path) == Index(COUNT, even=True, cut=False)
    assert [shown(to_picture(frame.image)) for frame in open_frames(path)] == list(range(COUNT))
    path.write_bytes(whole[: -int(0.3 * (movie - frames))])
    assert read_index(path) == Index(COUNT, even=True, cut=True)
    *shorter, end = open_frames(path)
    assert len(shorter) < COUNT
    with pytest.raises(VideoEndError, match=f"frame {len(shorter)} of {COUNT}"):
        _ = end.image


def test_export_reads_all_frames_of_a_video_without_an_index(tmp_path: Path):
    path = film(tmp_path / "clip.mpg", "mpg2")
    lines = "fx: 90\nfy: 90\ncx: 47.5\ncy: 31.5\nbaseline_mm: 4.5\nwidth: 96\nheight: 64\n"
    (tmp_path / "rig.yaml").write_text(lines)
    views = SingleViews(path)
    assert len(views) == COUNT
    assert views[COUNT - 1]["key"] == f"clip/{COUNT - 1:06d}"
