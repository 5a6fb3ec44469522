"""What `predict` reads: images, folders, globs and videos, one frame at a time."""

import operator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from m3depth.errors import DataError
from m3depth.io.input_frames import open_frames
from m3depth.io.video import VideoEndError
from m3depth.outputs.output import Output


def picture(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 12, 3), level, np.uint8))
    return path


def names_and_levels(source: str | Path) -> list[tuple[str, int]]:
    frames = open_frames(source)
    return [(frame.name, round(float(frame.image.mean()) * 255)) for frame in frames]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    for level, name in enumerate(("f10.png", "f2.png", "f1.bmp")):
        picture(tmp_path / "clip" / name, 10 * level)
    (tmp_path / "clip" / "notes.txt").write_text("not a frame")
    (tmp_path / "clip" / "._f1.png").write_text("what macOS leaves behind")
    return tmp_path / "clip"


def test_a_folder_gives_its_images_in_natural_order(clip: Path) -> None:
    assert names_and_levels(clip) == [("f1", 20), ("f2", 10), ("f10", 0)]
    assert operator.length_hint(open_frames(str(clip))) == 3


def test_one_image_and_a_glob(clip: Path) -> None:
    assert names_and_levels(clip / "f2.png") == [("f2", 10)]
    assert names_and_levels(f"{clip}/*.png") == [("f2", 10), ("f10", 0)]


def test_a_glob_over_folders_keeps_names_apart(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "0.png", 30)
    picture(tmp_path / "b" / "0.png", 40)
    assert names_and_levels(f"{tmp_path}/*/*.png") == [("a/0", 30), ("b/0", 40)]


def test_an_unreadable_frame_raises_at_that_frame_and_the_rest_goes_on(clip: Path) -> None:
    (clip / "f2.png").write_bytes(b"\x89PNG")
    read, failed = [], []
    for frame in open_frames(clip):
        try:
            read.append((frame.name, frame.image.shape))
        except DataError as error:
            failed.append(str(error))
    assert read == [("f1", (3, 8, 12)), ("f10", (3, 8, 12))]
    assert len(failed) == 1
    assert "f2.png" in failed[0]


def film(path: Path, count: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 64))
    for position in range(count):
        red = np.full((64, 96, 3), (0, 0, 40 * position), np.uint8)  # in OpenCV's order
        writer.write(red)
    writer.release()
    return path


def test_a_video_streams_its_frames_in_order_as_rgb(tmp_path: Path) -> None:
    frames = open_frames(film(tmp_path / "clip.avi", 5))
    assert operator.length_hint(frames) == 5
    images = {frame.name: frame.image for frame in frames}
    assert list(images) == ["000000", "000001", "000002", "000003", "000004"]
    for position, image in enumerate(images.values()):
        red, green, blue = (image.mean(dim=(1, 2)) * 255).tolist()
        assert red == pytest.approx(40 * position, abs=6)
        assert max(green, blue) < 8
    assert torch.equal(next(iter(frames)).image, images["000000"])  # may be read a second time


def test_a_video_that_ends_early_says_so_after_its_last_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "clip.avi", 6)
    data = path.read_bytes()
    path.write_bytes(data[: (data.index(b"movi") + len(data)) // 2])
    *frames, end = open_frames(path)
    assert 0 < len(frames) < 6
    assert [frame.image.shape for frame in frames] == [(3, 64, 96)] * len(frames)
    with pytest.raises(VideoEndError, match=rf"clip\.avi: frame {len(frames)} of 6 .*ends before"):
        _ = end.image


def test_a_video_frame_that_does_not_decode_is_named_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaged:  # OpenCV's own class is not made to be derived from: it corrupts the heap
        def __init__(self, *opened: object) -> None:
            self.real = real(*opened)

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

        def retrieve(self) -> tuple[bool, object]:
            second = self.real.get(cv2.CAP_PROP_POS_FRAMES) == 2
            return (False, None) if second else self.real.retrieve()

    real = cv2.VideoCapture
    path = film(tmp_path / "clip.avi", 4)
    monkeypatch.setattr(cv2, "VideoCapture", Damaged)
    frames = list(open_frames(path))
    with pytest.raises(DataError, match=r"clip\.avi, frame 000001: cannot be decoded"):
        _ = frames[1].image
    assert [frame.name for frame in frames] == ["000000", "000001", "000002", "000003"]
    assert frames[2].image.shape == (3, 64, 96)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing", "no such image"),
        ("*.png", "no image there"),
        ("empty", "no image there"),
        ("notes.txt", r"no video .*; images are \.png"),
        ("twice", "several images would be called a"),
    ],
)
def test_what_holds_no_frames_is_refused_by_name(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no video")
    picture(tmp_path / "twice" / "a.png", 1)
    picture(tmp_path / "twice" / "a.jpg", 1)
    with pytest.raises(DataError, match=message) as caught:
        open_frames(tmp_path / source)
    assert source in str(caught.value)


def test_a_folder_of_folders_gives_what_is_in_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    picture(tmp_path / "case 2" / "a.b" / "0.png", 10)
    picture(tmp_path / "case 10" / "0.png", 20)
    picture(tmp_path / ".cache" / "0.png", 30)
    picture(tmp_path / "out" / "0.png", 40)
    (tmp_path / "out" / "predictions.json").write_text("{}")
    (tmp_path / "case 10" / "loop").symlink_to(tmp_path)
    assert names_and_levels(tmp_path) == [("case 2/a.b/0", 10), ("case 10/0", 20)]
    assert "2 images in 2 folders below: case 2/a.b, case 10" in caplog.text


def test_predictions_are_no_frames(tmp_path: Path) -> None:
    picture(tmp_path / "0.png", 10)
    (tmp_path / "predictions.json").write_text("{}")
    with pytest.raises(DataError, match="holds predictions"):
        open_frames(tmp_path)


def test_one_folder_below_keeps_its_name(tmp_path: Path) -> None:
    picture(tmp_path / "case" / "0.png", 10)
    assert names_and_levels(tmp_path) == [("case/0", 10)]


def test_images_below_others_are_told(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture(clip / "more" / "0.png", 10)
    assert [name for name, _ in names_and_levels(clip)] == ["f1", "f2", "f10"]
    assert "3 images of its own are read, and not the 1 in folders below" in caplog.text
    assert f"input='{clip}/**/*.png' reads all" in caplog.text
    assert names_and_levels(f"{clip}/**/*.png") == [("f2", 10), ("f10", 0), ("more/0", 10)]


@pytest.mark.parametrize(("view", "other"), [("left", "right"), ("images", "masks")])
def test_of_a_data_set_the_left_views_must_be_named(tmp_path: Path, view: str, other: str) -> None:
    picture(tmp_path / view / "0.png", 10)
    picture(tmp_path / other / "0.png", 10)
    with pytest.raises(DataError, match=rf"holds {other}, .* input={tmp_path}/{view}"):
        open_frames(tmp_path)


def test_a_video_s_rate_and_none_of_pictures(clip: Path, tmp_path: Path) -> None:
    assert open_frames(clip).frames_per_s is None
    assert open_frames(film(tmp_path / "clip.avi", 2)).frames_per_s == 25


def test_a_link_to_nothing_is_a_frame_that_cannot_be_read(clip: Path) -> None:
    """It was left out in silence."""
    (clip / "f3.png").symlink_to("nowhere.png")
    frames = {frame.name: frame for frame in open_frames(clip)}
    assert list(frames) == ["f1", "f2", "f3", "f10"]
    with pytest.raises(DataError, match=r"f3\.png: cannot be read"):
        _ = frames["f3"].image


def test_predictions_that_were_stopped_are_no_frames(clip: Path) -> None:
    with Output(clip / "out", "predict").claimed() as claim:
        claim.writing(clip / "out/f1.png")
        picture(clip / "out/f1.png", 3)
    with pytest.raises(DataError, match="holds predictions"):
        open_frames(clip / "out")
    for path in clip.glob("f*"):
        path.unlink()
    with pytest.raises(DataError, match="no image there"):
        open_frames(clip)
