"""A folder or a video of one camera, with and without its calibration."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from m3depth.data.readers.one_camera import OneCamera
from m3depth.errors import DataError

SIZE = (48, 64)


def picture(number: int) -> np.ndarray:
    return np.full((*SIZE, 3), 10 * number, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), picture(number))
    return tmp_path


def film(path: Path) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, SIZE[::-1])
    for number in range(12):
        writer.write(picture(number))
    writer.release()
    return path


def test_a_folder_is_read_in_natural_order_as_one_sequence(folder):
    frames = OneCamera(folder, None)
    assert [round(float(frame["left"].mean()) * 25.5) for frame in frames] == list(range(12))
    assert frames[10]["key"] == f"{folder.name}/frame10"
    assert frames.places()[10] == str(folder / "frame10.png")
    assert "time_s" not in frames[0]


def test_a_video_has_times(tmp_path):
    frames = OneCamera(film(tmp_path / "rgb.avi"), (24, 32), first=2, count=5)
    assert len(frames) == 5
    times = torch.stack([frame["time_s"] for frame in frames])
    torch.testing.assert_close(times, torch.arange(2, 7) / 20)
    assert frames[0]["left"].shape == (3, 24, 32)
    assert frames[0]["key"] == "rgb/000002"


def test_without_a_calibration_the_rig_stands_in(folder):
    rig = OneCamera(folder, (24, 32))[0]["rig"]
    assert bool(rig.stands_in(32))
    assert not bool(rig.calibrated)


@pytest.mark.parametrize("beside", [True, False])
def test_its_calibration_is_followed(folder, tmp_path, beside):
    text = "fx: 60\nfy: 60\ncx: 32\ncy: 24\nwidth: 64\nheight: 48\n"
    path = folder / ("rig.yaml" if beside else "other.yaml")
    path.write_text(text)
    rig = OneCamera(folder, (24, 32), None if beside else path)[0]["rig"]
    assert float(rig.fx) == 30
    assert float(rig.cx) == (32 + 0.5) / 2 - 0.5
    assert not bool(rig.stands_in(32))


def test_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        OneCamera(tmp_path / "none", None)


def test_its_own_size_is_that_of_the_files(folder):
    assert OneCamera(folder, (24, 32)).at_own_size()[3]["left"].shape == (3, *SIZE)
