import multiprocessing
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from m3depth.errors import DataError
from m3depth.io.video import Video, side_by_side, stacked

COUNT = 130  # more than one group of pictures, and than what is decoded through


def write_video(path: Path, count: int = COUNT, code: str = "mp4v") -> Path:
    """A moving texture, in which a bright bar identifies each frame: one that moves down."""
    size = (96, 64)
    texture = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 160, (64, 96 + COUNT, 3), dtype=np.uint8), (0, 0), 3
    )
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, size)
    assert writer.isOpened()
    for number in range(count):
        frame = np.ascontiguousarray(texture[:, number : number + 96])
        frame[number % 32 * 2 : number % 32 * 2 + 2] = 255
        frame[:8, :8] = number
        writer.write(frame)
    writer.release()
    return path


def in_order(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        decoded, frame = capture.read()
        if not decoded:
            return frames
        frames.append(frame)


@pytest.mark.parametrize(("code", "suffix"), [("mp4v", "mp4"), ("MJPG", "avi")])
def test_a_frame_is_the_same_however_it_is_reached(tmp_path, code, suffix):
    path = write_video(tmp_path / f"rgb.{suffix}", code=code)
    expected, video = in_order(path), Video(path)
    assert len(video) == len(expected) == COUNT
    order = np.random.default_rng(1).permutation(COUNT)[:40].tolist()
    for number in [0, 1, 2, 129, 0, 60, 61, 63, 3, *order]:
        assert np.array_equal(video[number], expected[number]), number
    assert not np.array_equal(expected[60], expected[61])
    with pytest.raises(IndexError):
        video[COUNT]
    assert sum(1 for _ in video) == COUNT


def test_a_video_travels_to_other_processes_without_its_decoder(tmp_path):
    video = Video(write_video(tmp_path / "rgb.mp4"))
    expected = video[5]
    assert len(pickle.dumps(video)) < 1000
    assert np.array_equal(pickle.loads(pickle.dumps(video))[5], expected)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        forked = pool.map(video.__getitem__, [6, 5, 100, 5])
    assert np.array_equal(forked[1], expected)
    assert np.array_equal(forked[3], expected)
    # Its decoder stood before frame 6, and the children's reading did not move it
    assert np.array_equal(video[6], forked[0])


def mean_of(video: Video) -> float:
    return float(video[1].mean())


def test_a_fork_closes_the_decoders_that_it_inherits_without_waiting(tmp_path):
    """A decoder's threads stay behind in a fork: closing one that has any would wait for ever."""
    videos = [Video(write_video(tmp_path / f"{name}.mp4", 8)) for name in range(12)]
    here = [mean_of(video) for video in videos]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map_async(mean_of, videos).get(timeout=60) == here


def test_the_halves_of_a_stereo_frame():
    frame = np.arange(4 * 6 * 3).reshape(4, 6, 3)
    upper, lower = stacked(frame)
    left, right = side_by_side(frame)
    assert np.array_equal(np.concatenate([upper, lower]), frame)
    assert np.array_equal(np.concatenate([left, right], axis=1), frame)
    assert upper[0, 0, 0] == left[0, 0, 0] == 0


def test_a_truncated_video_names_the_file_and_the_frame(tmp_path):
    whole = write_video(tmp_path / "whole.avi", code="MJPG").read_bytes()
    index = whole.rindex(b"idx1")  # AVI keeps its index at the end: keep it, lose frames
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: index // 2] + bytes(index - index // 2) + whole[index:])
    video = Video(cut)
    assert video[3].shape == (64, 96, 3)
    with pytest.raises(DataError, match=r"cut\.avi: frame 120 of 130 cannot be decoded"):
        video[120]
    assert video[3].shape == (64, 96, 3)


@pytest.mark.parametrize("content", [b"", b"not a video", None])
def test_what_is_no_video(tmp_path, content):
    path = tmp_path / "rgb.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"rgb\.mp4: no (such video|video that OpenCV can open)"):
        Video(path)


def test_an_mp4_without_its_end_cannot_be_opened(tmp_path):
    path = write_video(tmp_path / "rgb.mp4")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match="index at the end"):
        Video(path)
