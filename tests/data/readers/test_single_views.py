"""Frames of one camera: images in a folder or a video, with a calibration."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pair_files import write_rig

from m3depth.data.readers.single_views import SingleViews
from m3depth.errors import ConfigError, DataError
from m3depth.io.video import VideoEndError

RIG = {"fx": 60, "fy": 60, "cx": 31, "cy": 24, "baseline_mm": 4.5}


def pixels(number: int) -> np.ndarray:
    return np.full((48, 64, 3), (0, 0, 20 * number), np.uint8)  # BGR


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clip").mkdir()
    for number in (10, 9, 0):
        cv2.imwrite(str(tmp_path / "clip" / f"f{number}.png"), pixels(number))
    write_rig(tmp_path / "clip", RIG, size=(48, 64))
    return tmp_path / "clip"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "op.1.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(9):
        writer.write(pixels(number))
    writer.release()
    write_rig(tmp_path, RIG, size=(48, 64))
    return path


def truncated(video: Path) -> Path:
    data = video.read_bytes()
    video.write_bytes(data[: (data.index(b"movi") + len(data)) // 2])
    return video


def test_a_folder_s_images_in_natural_order(folder: Path) -> None:
    frames = SingleViews(folder)
    samples = [frames[index] for index in range(len(frames))]
    assert [sample["key"] for sample in samples] == ["clip/f0", "clip/f9", "clip/f10"]
    assert [round(float(s["left"][0].mean()) * 255) for s in samples] == [0, 180, 200]
    assert samples[0]["rig"].fx == 60
    assert "right" not in samples[0]


def test_a_video_s_frames(video: Path) -> None:
    frames = SingleViews(video)
    assert len(frames) == 9
    assert frames[7]["key"] == "op.1/000007"
    red, green, blue = (frames[7]["left"].mean(dim=(1, 2)) * 255).tolist()
    assert red == pytest.approx(140, abs=6)
    assert max(green, blue) < 8


def test_the_rig_follows_a_resize_and_may_lie_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "rig.yaml").rename(tmp_path / "other.yaml")
    sample = SingleViews(folder, size=[24, 32], rig=tmp_path / "other.yaml")[0]
    assert sample["left"].shape == (3, 24, 32)
    assert sample["rig"].fx == 30


def test_the_first_frames_alone(folder: Path) -> None:
    assert SingleViews(folder, count=2).names == ["f0", "f9"]
    with pytest.raises(ConfigError, match=r"data\.test\.count=4: .*clip has 3 frames"):
        SingleViews(folder, count=4)


def test_without_a_calibration_it_says_where_to_put_one(folder: Path, video: Path) -> None:
    for root in (folder, video):
        (root if root.is_dir() else root.parent).joinpath("rig.yaml").unlink()
        with pytest.raises(DataError, match=r"no calibration, .* data\.test\.rig=PATH"):
            SingleViews(root)


@pytest.mark.parametrize("size", [None, [96, 128]], ids=["own size", "resized"])
def test_the_calibration_may_be_of_another_resolution(folder: Path, size: list[int] | None) -> None:
    expected = SingleViews(folder, size=size or [24, 32])[1]["rig"]
    cv2.imwrite(str(folder / "f9.png"), np.zeros((24, 32, 3), np.uint8))
    sample = SingleViews(folder, size=size)[1]
    assert list(sample["left"].shape[-2:]) == (size or [24, 32])
    torch.testing.assert_close(tuple(sample["rig"]), tuple(expected))


def test_a_rounded_resize_keeps_its_calibration(folder: Path) -> None:
    cv2.imwrite(str(folder / "f9.png"), np.zeros((320, 429, 3), np.uint8))
    rig = SingleViews(folder)[1]["rig"]
    assert float(rig.fx) == pytest.approx(60 * 429 / 64)
    assert float(rig.fy) == pytest.approx(60 * 320 / 48)


@pytest.mark.parametrize("size", [(48, 60), (32, 32)], ids=["cropped", "square"])
def test_an_image_of_another_shape_than_the_calibration(
    folder: Path, size: tuple[int, int]
) -> None:
    cv2.imwrite(str(folder / "f9.png"), np.zeros((*size, 3), np.uint8))
    told = rf"clip, frame f9: the image is {size[1]}x{size[0]} but rig\.yaml is for 64x48: .*crop"
    with pytest.raises(DataError, match=told):
        SingleViews(folder)[1]
    assert torch.isfinite(SingleViews(folder)[2]["left"]).all()


def test_an_unreadable_image_is_named(folder: Path) -> None:
    (folder / "f9.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match=r"f9\.png: truncated or not an image"):
        SingleViews(folder)[1]


@pytest.mark.parametrize("name", ["nothing", "notes.txt", "empty"])
def test_what_holds_no_frames(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(DataError, match=name):
        SingleViews(tmp_path / name)


def test_a_video_that_ends_early(video: Path) -> None:
    frames = SingleViews(truncated(video))
    assert len(frames) == 9  # as the file states
    read = []
    with pytest.raises(VideoEndError, match=r"op\.1\.avi: frame \d of 9 .* data\.test\.count"):
        read.extend(frames[index]["key"] for index in range(9))


@pytest.mark.parametrize("size", [(0, 0), (48, -1), (48,), (48, 64, 3)], ids=str)
def test_a_size_that_no_image_has(folder: Path, size: tuple[int, ...]) -> None:
    with pytest.raises(
        ConfigError, match=r"^data\.size=\[.*\]: expected \[height, width\] or null"
    ):
        SingleViews(folder, size)


def test_folders_of_images_are_named(folder: Path) -> None:
    """It was called empty."""
    with pytest.raises(DataError, match=r"no images right in it, but folders \(clip\): give one"):
        SingleViews(folder.parent)
